import type { Command } from 'commander';
import { GatewayError } from '../../core/errors.ts';
import { type AdminReply, type AdminRequest, type AdminTarget, adminRequest } from '../admin/client.ts';
import { MISSING_HEADER } from '../admin/headers.ts';
import { EventStream, type ServerEvent } from './event-stream.ts';
import type { CliTerminal } from './terminal.ts';

/** A running gateway, as a verb asks it. */
export interface RunningGateway {
  /** Rejects with ADMIN_UNREACHABLE, or with an `AdminRefusal`. */
  request(request: AdminRequest): Promise<AdminReply>;
  /** `GET path` as JSON. */
  get<T>(path: string): Promise<T>;
  /** Another request with an answer in JSON. */
  send<T>(method: AdminRequest['method'], path: string, body?: unknown): Promise<T>;
  /** The events of a stream, until it ends or `signal` comes. Rejects with ADMIN_UNREACHABLE when it breaks off. */
  follow(path: string, signal: AbortSignal): AsyncGenerator<ServerEvent, void, undefined>;
}

/** What of a configuration says where its gateway answers. */
export interface WithSocket {
  readonly admin: { readonly socket: string | undefined };
}

/** Where the gateway of this configuration answers. */
export const socketOf = ({ admin }: WithSocket): string => {
  if (admin.socket !== undefined) return admin.socket;
  throw new GatewayError('ADMIN_UNREACHABLE', 'the admin socket is switched off: PPTP_ADMIN_SOCKET is off.');
};

/** `warn` is told when worker processes are missing from an answer. */
export const gatewayAt = (target: AdminTarget, warn: (line: string) => void = () => undefined): RunningGateway => {
  const request = async (order: AdminRequest): Promise<AdminReply> => {
    const reply = await adminRequest(target, order);
    const missing = reply.headers[MISSING_HEADER];
    if (missing !== undefined) warn(`warning: no answer from worker ${String(missing)}: what follows lacks its part`);
    return reply;
  };
  const send = async <T>(method: AdminRequest['method'], path: string, body?: unknown): Promise<T> =>
    (await request({ method, path, ...(body === undefined ? {} : { body }) })).json<T>();
  return { request, send, get: (path) => send('GET', path), follow: (path, signal) => follow(request, path, signal) };
};

export const runningGateway = (config: WithSocket, warn?: (line: string) => void): RunningGateway =>
  gatewayAt(socketOf(config), warn);

async function* follow(
  request: RunningGateway['request'],
  path: string,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent, void, undefined> {
  if (signal.aborted) return;
  const connecting = new AbortController();
  let end = (): void => connecting.abort();
  const stop = (): void => end();
  signal.addEventListener('abort', stop);
  try {
    const { stream, headers } = await request({ method: 'GET', path, signal: connecting.signal });
    if (!headers['content-type']?.startsWith('text/event-stream')) {
      stream.resume();
      throw new GatewayError('ADMIN_UNREACHABLE', 'what answers there is no gateway: it has no such stream.');
    }
    // An answer that is there already is closed: to abort a request that is over throws at nobody.
    end = () => stream.destroy();
    const events = new EventStream();
    for await (const piece of stream) yield* events.push(piece as Uint8Array);
  } catch (cause) {
    if (signal.aborted) return;
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError('ADMIN_UNREACHABLE', 'the gateway went away.', { cause });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/**
 * `action` wraps a verb: it finds the gateway and maps errors to exit codes. The code is the number that `work` resolves with, or 0.
 */
export type AdminAction = (
  command: Command,
  work: (gateway: RunningGateway, ...args: readonly string[]) => Promise<unknown>,
) => Command;

/** What a file that adds verbs is given. */
export interface AdminVerbs {
  readonly program: Command;
  readonly terminal: CliTerminal;
  readonly action: AdminAction;
}

/** An answer that nobody reads keeps the process alive. */
export const ignoreAnswer = ({ stream }: AdminReply): void => {
  stream.resume();
};

/** "?a=1&b=2" of what is given, or nothing. */
export const queryOf = (values: Readonly<Record<string, string | number | undefined>>): string => {
  const given = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
};
