import type { Socket } from 'node:net';
import type { BytePipe } from './byte-pipe.ts';

/** Octets that may wait for a peer that does not read; above it the connection is broken off. */
const MAX_WAITING = 65_536;

/** A TCP connection as a pipe. Errors are listened to from here on, so that none can end the process. */
export const socketPipe = (socket: Socket): BytePipe => {
  let detail = 'The TCP connection is closed.';
  socket.setNoDelay(true);
  socket.on('error', (error) => {
    detail = `TCP error: ${error.message}`;
  });
  socket.on('end', () => {
    detail = 'The peer closed the TCP connection.';
  });
  return {
    write: (bytes) => {
      if (!socket.writable) return;
      socket.write(bytes);
      if (socket.writableLength > MAX_WAITING) socket.destroy(new Error('the peer does not read'));
    },
    end: () => socket.end(),
    abort: () => socket.destroy(),
    read: (reader) => {
      socket.on('data', (bytes) => reader.bytes(bytes));
      if (socket.closed) queueMicrotask(() => reader.closed(detail));
      else socket.on('close', () => reader.closed(detail));
    },
  };
};
