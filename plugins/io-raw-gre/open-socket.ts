import type { RawSocketModule, Socket } from 'raw-socket';
import { GatewayError } from '../../core/errors.ts';
import { IP_PROTOCOL } from '../../core/wire/ipv4.ts';
import { isNotPermitted, messageOf } from './send-errors.ts';

/** Linux numbers; raw-socket names only some of them. */
const SOL_SOCKET = 1;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const IPPROTO_IP = 0;
const IP_HDRINCL = 3;

/**
 * Open sockets. raw-socket's native handle is collected while it is open, and closes without a word, as soon as
 * JavaScript forgets it; this set does not forget.
 */
const open = new Set<Socket>();

export const loadRawSocket = async (): Promise<RawSocketModule> => (await import('raw-socket')).default;

export const importModule = async (load: () => Promise<RawSocketModule>): Promise<RawSocketModule> => {
  try {
    return await load();
  } catch (cause) {
    throw new GatewayError(
      'NATIVE_MISSING',
      `The raw-socket module cannot be loaded (${messageOf(cause)}): run "npm rebuild raw-socket" with the Node.js that ` +
        'runs the gateway; it needs a C++ compiler, make and Python (Debian: apt-get install build-essential python3).',
      { cause },
    );
  }
};

/** Opens IP protocol 47 for sending with our own IP header. Throws GatewayError NOT_ROOT or GRE_SOCKET. */
export const openSocket = (module: RawSocketModule, receiveBuffer: number, sendBuffer: number): Socket => {
  let socket: Socket | undefined;
  try {
    // Its own receive buffer stays unused: packets are received right into their slots.
    socket = module.createSocket({ protocol: IP_PROTOCOL.gre, bufferSize: 64 });
    socket.setOption(IPPROTO_IP, IP_HDRINCL, 1);
  } catch (cause) {
    socket?.close();
    const message = messageOf(cause);
    if (isNotPermitted(message)) {
      throw new GatewayError(
        'NOT_ROOT',
        'A raw socket for GRE needs root or CAP_NET_RAW: start the gateway as root, or give the process that capability.',
        { cause },
      );
    }
    throw new GatewayError(
      'GRE_SOCKET',
      `The raw socket for GRE cannot be opened (${message}): check that the kernel allows raw IPv4 sockets here.`,
      { cause },
    );
  }
  open.add(socket);
  setBuffer(socket, SO_RCVBUFFORCE, SO_RCVBUF, receiveBuffer);
  setBuffer(socket, SO_SNDBUFFORCE, SO_SNDBUF, sendBuffer);
  return socket;
};

export const closeSocket = (socket: Socket): void => {
  open.delete(socket);
  socket.close();
};

/** What the kernel gave, in octets of its own accounting (twice what was asked). */
export const bufferOf = (socket: Socket, option: typeof SO_RCVBUF | typeof SO_SNDBUF): number => {
  const value = Buffer.alloc(4);
  socket.getOption(SOL_SOCKET, option, value, 4);
  return value.readInt32LE(0);
};

/** The forced form ignores net.core.rmem_max but needs CAP_NET_ADMIN of the first user namespace; containers lack it. */
const setBuffer = (socket: Socket, forced: number, limited: number, octets: number): void => {
  for (const option of [forced, limited]) {
    try {
      socket.setOption(SOL_SOCKET, option, octets);
      return;
    } catch {
      // The next form, or the kernel's default: smaller, not wrong.
    }
  }
};
