import type { Command } from 'commander';
import { GatewayError } from '../../core/errors.ts';
import { type AdminReply, type AdminRequest, type AdminTarget, adminRequest } from '../admin/client.ts';
import { MISSING_HEADER } from '../admin/headers.ts';
import { Patience } from '../admin/patience.ts';
import { EventStream, type ServerEvent } from './event-stream.ts';
import type { CliTerminal } from './terminal.ts';

/** What takes longer than to look something up. */
export interface AskOptions {
  /** How long it may take, in ms, where the caller of the verb has not said. */
  readonly withinMs: number;
}

/** For what a gateway does with clients, plug-ins or its configuration before it answers; `connection.ts` names the times. */
export const SOME_TIME: AskOptions = { withinMs: 60_000 };
/** Until a new process has started and taken over. */
export const LONG_TIME: AskOptions = { withinMs: 180_000 };
/** Until an answer begins, where nobody says otherwise. */
export const ANSWER_MS = 10_000;
/** Of a stream: four times what a gateway leaves between two signs of life. */
const SILENCE_MS = 20_000;

/** A running gateway, as a verb asks it. */
export interface RunningGateway {
  /** Rejects with ADMIN_UNREACHABLE, or with an `AdminRefusal`. */
  request(request: AdminRequest): Promise<AdminReply>;
  /** `GET path` as JSON. */
  get<T>(path: string): Promise<T>;
  /** Another request with an answer in JSON. */
  send<T>(method: AdminRequest['method'], path: string, body?: unknown, options?: AskOptions): Promise<T>;
  /** The events of a stream, until it ends or `signal` comes. Rejects with ADMIN_UNREACHABLE when it breaks off or falls silent. */
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

export interface AskingOptions {
  /** Told when worker processes are missing from an answer. */
  readonly warn?: (line: string) => void;
  /** How long each answer may take, whatever it is about, in ms. */
  readonly withinMs?: number | undefined;
  /** How long a stream may be silent, in ms. */
  readonly silenceMs?: number;
}

export const gatewayAt = (
  target: AdminTarget,
  { warn = () => undefined, withinMs, silenceMs = SILENCE_MS }: AskingOptions = {},
): RunningGateway => {
  const request = async (order: AdminRequest): Promise<AdminReply> => {
    const reply = await adminRequest(target, { ...order, withinMs: withinMs ?? order.withinMs ?? ANSWER_MS });
    const missing = reply.headers[MISSING_HEADER];
    if (missing !== undefined) warn(`warning: no answer from worker ${String(missing)}: what follows lacks its part`);
    return reply;
  };
  const send: RunningGateway['send'] = async <T>(
    method: AdminRequest['method'],
    path: string,
    body?: unknown,
    options?: AskOptions,
  ) => (await request({ method, path, ...options, ...(body === undefined ? {} : { body }) })).json<T>();
  return {
    request,
    send,
    get: (path) => send('GET', path),
    follow: (path, signal) => follow(request, path, signal, silenceMs),
  };
};

export const runningGateway = (config: WithSocket): RunningGateway => gatewayAt(socketOf(config));

async function* follow(
  request: RunningGateway['request'],
  path: string,
  signal: AbortSignal,
  silenceMs: number,
): AsyncGenerator<ServerEvent, void, undefined> {
  if (signal.aborted) return;
  let patience: Patience | undefined;
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
    const silent = `the gateway has said nothing for ${silenceMs / 1000} s: it is busy or hangs; see its log.`;
    patience = new Patience(silenceMs, () => stream.destroy(new GatewayError('ADMIN_UNREACHABLE', silent)));
    for await (const piece of stream) {
      // Who takes events in waits for nobody.
      patience.end();
      yield* events.push(piece as Uint8Array);
      patience.heard();
    }
  } catch (cause) {
    if (signal.aborted) return;
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError('ADMIN_UNREACHABLE', 'the gateway went away.', { cause });
  } finally {
    patience?.end();
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
