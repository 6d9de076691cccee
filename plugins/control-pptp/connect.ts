import { lookup } from 'node:dns/promises';
import { connect, isIPv6, type Socket } from 'node:net';
import { formatIpv4, type Ipv4, parseIpv4 } from '../../core/bytes/ipv4-address.ts';
import { GatewayError } from '../../core/errors.ts';
import type { DialledPipe } from './dial-pptp.ts';
import { socketIpv4 } from './socket-address.ts';
import { socketPipe } from './socket-pipe.ts';

export interface ConnectOptions {
  /** Name or IPv4 address. */
  readonly host: string;
  readonly port: number;
  /** Address to connect from; the system chooses otherwise. */
  readonly localAddress?: string | undefined;
  /** For the TCP connection, in ms. */
  readonly timeoutMs: number;
}

const codeOf = (cause: unknown): string => {
  const code: unknown = typeof cause === 'object' && cause !== null ? Reflect.get(cause, 'code') : undefined;
  return typeof code === 'string' ? code : 'unknown';
};

const ask = async (name: string): Promise<string> => (await lookup(name, { family: 4 })).address;

/** The IPv4 address of a name. Throws GatewayError DIAL_FAILED. */
export const resolveServer = async (host: string, find: (name: string) => Promise<string> = ask): Promise<Ipv4> => {
  const literal = parseIpv4(host);
  if (literal !== undefined) return literal;
  if (isIPv6(host)) {
    throw new GatewayError(
      'DIAL_FAILED',
      `${host} is an IPv6 address; PPTP is carried over IPv4: give an IPv4 address.`,
    );
  }
  let found: string;
  try {
    found = await find(host);
  } catch (cause) {
    const code = codeOf(cause);
    const why =
      code === 'EAI_AGAIN'
        ? 'no name server answered: check the network and /etc/resolv.conf'
        : 'there is no IPv4 address for this name: check its spelling';
    throw new GatewayError('DIAL_FAILED', `The server name "${host}" was not found (${code}): ${why}.`, { cause });
  }
  const address = parseIpv4(found);
  if (address === undefined) throw new GatewayError('DIAL_FAILED', `The name "${host}" has no IPv4 address.`);
  return address;
};

const failure = (cause: unknown, where: string, timeoutMs: number): GatewayError => {
  const code = codeOf(cause);
  const why: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'nothing listens there: check the address and the port, and that the PPTP server runs',
    ETIMEDOUT: `no answer within ${timeoutMs / 1000} s: the server is down, or a firewall on the way drops TCP to this port`,
    EHOSTUNREACH: 'there is no way to this host: check the address and the routes (ip route get shows the one taken)',
    ENETUNREACH: 'there is no route to this network: check the network connection of this machine',
    ECONNRESET: 'the server broke the connection off at once',
  };
  const text = why[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new GatewayError('DIAL_FAILED', `Cannot connect to ${where} (${code}): ${text}.`, { cause });
};

/** Opens the TCP connection of a control connection. Throws GatewayError DIAL_FAILED; rejects at once when aborted. */
export const connectControl = async (
  { host, port, localAddress, timeoutMs }: ConnectOptions,
  signal: AbortSignal,
): Promise<DialledPipe> => {
  const server = await resolveServer(host);
  const peerName = `${formatIpv4(server)}:${port}`;
  const socket = await open({ host: formatIpv4(server), port, localAddress }, timeoutMs, signal).catch(
    (cause: unknown) => {
      throw failure(cause, `${peerName}${host === formatIpv4(server) ? '' : ` (${host})`}`, timeoutMs);
    },
  );
  const local = socketIpv4(socket.localAddress);
  if (local === undefined) {
    socket.destroy();
    throw failure(Object.assign(new Error('reset'), { code: 'ECONNRESET' }), peerName, timeoutMs);
  }
  return { pipe: socketPipe(socket), ends: { local, peer: server, peerName } };
};

type Way = Pick<ConnectOptions, 'host' | 'port' | 'localAddress'>;

const open = ({ host, port, localAddress }: Way, timeoutMs: number, signal: AbortSignal): Promise<Socket> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = connect({ host, port, ...(localAddress === undefined ? {} : { localAddress }) });
    // At no moment may an error find nobody listening.
    socket.on('error', () => undefined);
    const settle = (error: unknown): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.removeListener('error', settle);
      if (error === undefined) {
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => settle(new Error('aborted'));
    const timer = setTimeout(() => settle(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })), timeoutMs);
    signal.addEventListener('abort', onAbort);
    socket.on('error', settle);
    socket.once('connect', () => settle(undefined));
  });
