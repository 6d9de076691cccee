import {
  type ClientRequest,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { userInfo } from 'node:os';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { printable } from '../../core/bytes/ascii.ts';
import { GatewayError } from '../../core/errors.ts';
import { ACTOR_HEADER } from './headers.ts';
import { Patience } from './patience.ts';
import { AdminRefusal, refusalOf } from './refusal.ts';

export interface AdminRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** With its query, escaped ("/v1/sessions?user=alice"). */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** How long it may take until the answer begins, and its JSON stand still, in ms; no limit if left out. */
  readonly withinMs?: number;
}

/** A gateway somewhere else, asked over TCP. */
export interface RemoteGateway {
  /** http: or https:, with the path before "/v1" if it has one. */
  readonly url: URL;
  readonly token?: string;
  /** PEM of the authorities that may sign its certificate; the system's if left out. */
  readonly ca?: string;
}

/** The path of a Unix socket, or a gateway elsewhere. */
export type AdminTarget = string | RemoteGateway;

/** There is something that takes connections, and says nothing. */
export class NoAnswer extends GatewayError {
  constructor(where: string, { method, withinMs = 0 }: AdminRequest) {
    const undone = method === 'GET' ? '' : ' What was asked for may be done all the same.';
    const why = `what listens on ${where} did not answer in ${withinMs / 1000} s: it is busy or hangs`;
    super('ADMIN_UNREACHABLE', `${why}. See its log, or wait longer with --timeout.${undone}`);
  }
}

/** An answer with a status below 400. Read one of the two. */
export interface AdminReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly stream: Readable;
  /** What came behind the body, once it has been read. */
  trailers(): Readonly<Record<string, string | undefined>>;
  /**
   * The body as JSON. The gateway is of the same version, so its shape is taken at its word. Rejects with ADMIN_UNREACHABLE
   * when it is none, or breaks off.
   */
  json<T>(): Promise<T>;
}

/** For the way to a gateway elsewhere; how long it takes to answer is its own matter. */
const CONNECT_TIMEOUT_MS = 10_000;

const NO_TOKEN = 'this gateway wants a token: name the file of one with --token-file, or in PPTP_ADMIN_TOKEN_FILE.';

const actor = (): string => {
  try {
    return printable(userInfo().username);
  } catch {
    // A user id without a name, as in containers.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
};

const codeOf = (cause: unknown): unknown => (cause instanceof Error && 'code' in cause ? cause.code : undefined);
const unreachable = (message: string, cause: unknown): GatewayError =>
  new GatewayError('ADMIN_UNREACHABLE', message, { cause });
const whyOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

const noSocket = (path: string, cause: unknown): GatewayError => {
  const code = codeOf(cause);
  if (code === 'EACCES' || code === 'EPERM') {
    return unreachable(
      `the admin socket ${path} may not be used by this user: run the command as the user that the gateway runs as (root).`,
      cause,
    );
  }
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return unreachable(
      `no gateway answers on ${path}: start it, or give the command the same configuration (--state-dir, --admin-socket, --config).`,
      cause,
    );
  }
  return unreachable(`the gateway on ${path} did not answer (${whyOf(cause)}): see its log.`, cause);
};

/** Codes of node:tls and OpenSSL for a certificate that is not believed. */
const isDistrust = (code: unknown): boolean =>
  typeof code === 'string' && /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/.test(code);

const trustTodo = (code: unknown, ca: string | undefined): string => {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'write --url with a name that is in it';
  if (code === 'CERT_HAS_EXPIRED') return 'give the gateway a new one (PPTP_ADMIN_TLS_CERT)';
  return ca === undefined ? 'name its authority with --ca FILE' : 'its authority is not in the file of --ca';
};

/** One side speaks TLS, the other does not. */
const mismatchTodo = ({ url }: RemoteGateway, code: unknown, why: string): string => {
  if (url.protocol === 'https:') return code === 'EPROTO' ? ': it may speak plain HTTP, which is http: in --url' : '';
  return why === 'socket hang up' ? ': it may want TLS, which is https: in --url' : '';
};

const noRemote = (remote: RemoteGateway, cause: unknown): GatewayError => {
  const code = codeOf(cause);
  const where = remote.url.origin;
  if (isDistrust(code)) {
    const todo = trustTodo(code, remote.ca);
    return unreachable(`the certificate of ${where} is not believed (${whyOf(cause)}): ${todo}.`, cause);
  }
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EHOSTUNREACH') {
    const todo = 'see PPTP_ADMIN_ADDRESS and PPTP_ADMIN_PORT there, and what stands between';
    return unreachable(`no gateway answers on ${where} (${whyOf(cause)}): ${todo}.`, cause);
  }
  // OpenSSL says in which of its lines it was, over several lines.
  const why = code === 'EPROTO' ? 'no TLS' : whyOf(cause);
  return unreachable(`the gateway on ${where} did not answer (${why})${mismatchTodo(remote, code, why)}.`, cause);
};

/** A web server, a proxy's page of its own, a log-in: what a wrong address leads to. */
const isStranger = ({ statusCode = 0, headers }: IncomingMessage): boolean =>
  (statusCode >= 300 && statusCode < 400) || /^text\/html/i.test(headers['content-type'] ?? '');

const noGateway = (where: string, status: number): GatewayError =>
  unreachable(
    `what answers on ${where} is no gateway (HTTP ${status}): check --url, its port and its path.`,
    undefined,
  );

/** All of a body. Rejects as `failed` says, also when it stands still for `withinMs`. */
const bodyOf = async (
  response: IncomingMessage,
  { withinMs }: AdminRequest,
  noAnswer: () => GatewayError,
  failed: Way['failed'],
): Promise<string> => {
  const patience = withinMs === undefined ? undefined : new Patience(withinMs, () => response.destroy(noAnswer()));
  response.on('data', () => patience?.heard());
  try {
    return await text(response);
  } catch (cause) {
    throw cause instanceof GatewayError ? cause : failed(cause);
  } finally {
    patience?.end();
  }
};

const jsonOf = <T>(said: string, noGateway: GatewayError): T => {
  try {
    return JSON.parse(said) as T;
  } catch {
    throw noGateway;
  }
};

interface Way {
  /** For messages. */
  readonly where: string;
  readonly open: (options: RequestOptions) => ClientRequest;
  readonly failed: (cause: unknown) => GatewayError;
}

const wayTo = async (target: AdminTarget, path: string): Promise<Way> => {
  if (typeof target === 'string') {
    return {
      where: target,
      open: (options) => httpRequest({ ...options, socketPath: target, path }),
      failed: (cause) => noSocket(target, cause),
    };
  }
  const { url, token, ca } = target;
  const secure = url.protocol === 'https:' ? (await import('node:https')).request : undefined;
  const at = new URL(`${url.pathname.replace(/\/+$/, '')}${path}`, url.origin);
  const open = (options: RequestOptions): ClientRequest => {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const all = { ...options, headers: { ...options.headers, ...authorization } };
    const request =
      secure === undefined ? httpRequest(at, all) : secure(at, { ...all, ...(ca === undefined ? {} : { ca }) });
    const patience = setTimeout(() => request.destroy(new Error('no connection in 10 s')), CONNECT_TIMEOUT_MS);
    const arrived = (): void => clearTimeout(patience);
    request.once('socket', (socket) => {
      if (request.reusedSocket) arrived();
      else socket.once(secure === undefined ? 'connect' : 'secureConnect', arrived);
    });
    return request.once('response', arrived).once('close', arrived);
  };
  return { where: url.origin, open, failed: (cause) => noRemote(target, cause) };
};

/**
 * Asks a gateway. Rejects with ADMIN_UNREACHABLE when there is none (`NoAnswer` when it does not say anything in time), and
 * with an `AdminRefusal` and the gateway's own sentence when it says no.
 */
export const adminRequest = async (target: AdminTarget, order: AdminRequest): Promise<AdminReply> => {
  const { method, path, body, signal, withinMs } = order;
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const { where, open, failed } = await wayTo(target, path);
  const wantsToken = typeof target !== 'string' && target.token === undefined;
  return new Promise((resolve, reject) => {
    const request = open({
      method,
      ...(signal === undefined ? {} : { signal }),
      headers: {
        [ACTOR_HEADER]: actor(),
        ...(payload === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
      },
    });
    const noAnswer = (): GatewayError => new NoAnswer(where, order);
    const patience = withinMs === undefined ? undefined : new Patience(withinMs, () => request.destroy(noAnswer()));
    request.on('close', () => patience?.end());
    request.on('error', (cause) => {
      patience?.end();
      reject(cause instanceof GatewayError ? cause : failed(cause));
    });
    request.on('response', (response) => {
      patience?.end();
      const status = response.statusCode ?? 0;
      const body = (): Promise<string> => bodyOf(response, order, noAnswer, failed);
      if (isStranger(response)) {
        response.resume();
        reject(noGateway(where, status));
        return;
      }
      if (status === 401 && wantsToken) {
        response.resume();
        reject(new AdminRefusal(status, 'UNAUTHORIZED', NO_TOKEN));
        return;
      }
      if (status >= 400) {
        body().then((said) => reject(refusalOf(status, said)), reject);
        return;
      }
      resolve({
        status,
        headers: response.headers,
        stream: response,
        trailers: () => response.trailers,
        json: async <T>() => jsonOf<T>(await body(), noGateway(where, status)),
      });
    });
    request.end(payload);
  });
};
