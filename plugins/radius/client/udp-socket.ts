import { createSocket } from 'node:dgram';
import { formatIpv4, type Ipv4 } from '../../../core/bytes/ipv4-address.ts';

export interface ServerAddress {
  /** Name or IPv4 address. */
  readonly host: string;
  readonly port: number;
}

export interface DatagramEvents {
  /** Borrowed until it returns. */
  message(bytes: Uint8Array): void;
  /** The socket is closed. `unreachable`: the server's host, or the way to it, says no. */
  failed(why: string, unreachable: boolean): void;
}

export interface DatagramSocket {
  send(bytes: Uint8Array): void;
  close(): void;
}

/** A socket that hears this server only. `bind`: our address; undefined: as routing chooses. */
export type OpenDatagramSocket = (
  server: ServerAddress,
  bind: Ipv4 | undefined,
  events: DatagramEvents,
) => DatagramSocket;

/** Datagrams that wait until the name is looked up; what is lost here is sent again as what is lost elsewhere is. */
const MAX_WAITING = 64;
const UNREACHABLE = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN']);

const codeOf = (cause: unknown): string =>
  typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : 'unknown';

/** Connected, so that the kernel drops what comes from elsewhere and tells of ICMP errors. */
export const openUdpSocket: OpenDatagramSocket = (server, bind, events) => {
  const socket = createSocket('udp4');
  let waiting: Uint8Array[] | undefined = [];
  let closed = false;
  const close = (): void => {
    if (closed) return;
    closed = true;
    waiting = [];
    socket.close();
  };
  const fail = (cause: unknown): void => {
    if (closed) return;
    close();
    const code = codeOf(cause);
    events.failed(code, UNREACHABLE.has(code));
  };
  const send = (bytes: Uint8Array): void =>
    socket.send(bytes, (cause) => {
      if (cause !== null) fail(cause);
    });
  socket.on('error', fail);
  socket.on('message', (bytes) => {
    if (!closed) events.message(new Uint8Array(bytes));
  });
  socket.on('connect', () => {
    const first = waiting ?? [];
    waiting = undefined;
    for (const bytes of first) send(bytes);
  });
  const connect = (): void => {
    if (!closed) socket.connect(server.port, server.host);
  };
  if (bind === undefined) connect();
  else socket.bind({ address: formatIpv4(bind), port: 0 }, connect);
  return {
    send: (bytes) => {
      if (closed) return;
      if (waiting === undefined) send(bytes);
      else if (waiting.length < MAX_WAITING) waiting.push(bytes);
    },
    close,
  };
};
