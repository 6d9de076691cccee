import type { Server, Socket } from 'node:net';

/** What Node has behind a TCP socket. Not in its documentation, so it is looked at before it is used. */
interface TcpHandle {
  reading: boolean;
  readStart(): number;
  readStop(): number;
}

interface ListenHandle {
  listen(backlog: number): number;
}

const isListenHandle = (handle: unknown): handle is ListenHandle =>
  typeof handle === 'object' && handle !== null && typeof Reflect.get(handle, 'listen') === 'function';

const handleOf = (socket: Socket): TcpHandle | undefined => {
  const handle: unknown = Reflect.get(socket, '_handle');
  return isTcpHandle(handle) ? handle : undefined;
};

const isTcpHandle = (handle: unknown): handle is TcpHandle =>
  typeof handle === 'object' &&
  handle !== null &&
  ['readStart', 'readStop'].every((name) => typeof Reflect.get(handle, name) === 'function');

/**
 * From now on not one octet is read from the socket, so that another process can have all that comes: `pause` would read
 * on into a buffer of this one. False: the socket is gone.
 */
export const holdSocket = (socket: Socket): boolean => {
  const handle = handleOf(socket);
  if (handle === undefined || socket.destroyed) return false;
  handle.reading = false;
  return handle.readStop() === 0;
};

export const readOn = (socket: Socket): void => {
  const handle = handleOf(socket);
  if (handle === undefined || socket.destroyed) return;
  handle.reading = true;
  handle.readStart();
};

/**
 * Connections are taken from now on, as from a server that listens here. Node gives a listener that comes from another process
 * a short queue of its own choice.
 */
export const takeFrom = (
  server: Server,
  backlog: number,
  take: (socket: Socket) => void,
  failed: (error: Error) => void,
): void => {
  const handle: unknown = Reflect.get(server, '_handle');
  if (isListenHandle(handle)) handle.listen(backlog);
  server.on('connection', take);
  server.on('error', failed);
};
