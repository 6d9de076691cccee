import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from 'node:http';
import { userInfo } from 'node:os';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { printable } from '../../core/bytes/ascii.ts';
import { GatewayError } from '../../core/errors.ts';
import { ACTOR_HEADER } from './headers.ts';
import { refusalOf } from './refusal.ts';

export interface AdminRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** With its query, escaped ("/v1/sessions?user=alice"). */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
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

/** An answer with a status below 400. Read one of the two. */
export interface AdminReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly stream: Readable;
  /** What came behind the body, once it has been read. */
  trailers(): Readonly<Record<string, string | undefined>>;
  /** The body as JSON. The gateway is of the same version, so its shape is taken at its word. */
  json<T>(): Promise<T>;
}

/** For the way to a gateway elsewhere; how long it takes to answer is its own matter. */
const CONNECT_TIMEOUT_MS = 10_000;

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

const noRemote = ({ url, ca }: RemoteGateway, cause: unknown): GatewayError => {
  const code = codeOf(cause);
  const where = url.origin;
  if (isDistrust(code)) {
    const todo = ca === undefined ? 'name its authority with --ca FILE' : 'its authority is not in the file of --ca';
    return unreachable(`the certificate of ${where} is not believed (${whyOf(cause)}): ${todo}.`, cause);
  }
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EHOSTUNREACH') {
    const todo = 'see PPTP_ADMIN_ADDRESS and PPTP_ADMIN_PORT there, and what stands between';
    return unreachable(`no gateway answers on ${where} (${whyOf(cause)}): ${todo}.`, cause);
  }
  return unreachable(`the gateway on ${where} did not answer (${whyOf(cause)}).`, cause);
};

interface Way {
  readonly open: (options: RequestOptions) => ClientRequest;
  readonly failed: (cause: unknown) => GatewayError;
}

const wayTo = async (target: AdminTarget, path: string): Promise<Way> => {
  if (typeof target === 'string') {
    return {
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
  return { open, failed: (cause) => noRemote(target, cause) };
};

/**
 * Asks a gateway. Rejects with ADMIN_UNREACHABLE when there is none, and with an `AdminRefusal` and the gateway's own
 * sentence when it says no.
 */
export const adminRequest = async (
  target: AdminTarget,
  { method, path, body, signal }: AdminRequest,
): Promise<AdminReply> => {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const { open, failed } = await wayTo(target, path);
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
    request.on('error', (cause) => reject(failed(cause)));
    request.on('response', (response) => {
      const status = response.statusCode ?? 0;
      if (status >= 400) {
        text(response).then((said) => reject(refusalOf(status, said)), reject);
        return;
      }
      resolve({
        status,
        headers: response.headers,
        stream: response,
        trailers: () => response.trailers,
        json: async <T>() => JSON.parse(await text(response)) as T,
      });
    });
    request.end(payload);
  });
};
