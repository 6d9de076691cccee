import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { userInfo } from 'node:os';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { printable } from '../../core/bytes/ascii.ts';
import { GatewayError } from '../../core/errors.ts';
import { ACTOR_HEADER } from './headers.ts';

export interface AdminRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** With its query, escaped ("/v1/tunnels?user=alice"). */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

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

const actor = (): string => {
  try {
    return printable(userInfo().username);
  } catch {
    // A user id without a name, as in containers.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
};

const unreachable = (path: string, cause: unknown): GatewayError => {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'EACCES' || code === 'EPERM') {
    return new GatewayError(
      'ADMIN_UNREACHABLE',
      `the admin socket ${path} may not be used by this user: run the command as the user that the gateway runs as (root).`,
      { cause },
    );
  }
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new GatewayError(
      'ADMIN_UNREACHABLE',
      `no gateway answers on ${path}: start it, or give the command the same configuration (--state-dir, --admin-socket, --config).`,
      { cause },
    );
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return new GatewayError('ADMIN_UNREACHABLE', `the gateway on ${path} did not answer (${why}): see its log.`, {
    cause,
  });
};

const refusal = async (response: IncomingMessage): Promise<GatewayError> => {
  const body = await text(response);
  try {
    const { code, message } = JSON.parse(body) as { readonly code?: unknown; readonly message?: unknown };
    if (typeof message === 'string') return new GatewayError('ADMIN_REFUSED', message, { cause: code });
  } catch {
    // Said below.
  }
  return new GatewayError('ADMIN_REFUSED', `the gateway answered ${response.statusCode} without saying why.`);
};

/**
 * Asks the gateway that listens on that socket. Rejects with ADMIN_UNREACHABLE when there is none, and with
 * ADMIN_REFUSED and the gateway's own sentence when it says no.
 */
export const adminRequest = (socketPath: string, { method, path, body, signal }: AdminRequest): Promise<AdminReply> => {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      socketPath,
      method,
      path,
      ...(signal === undefined ? {} : { signal }),
      headers: {
        [ACTOR_HEADER]: actor(),
        ...(payload === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
      },
    });
    request.on('error', (cause) => reject(unreachable(socketPath, cause)));
    request.on('response', (response) => {
      const status = response.statusCode ?? 0;
      if (status >= 400) {
        refusal(response).then(reject, reject);
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
