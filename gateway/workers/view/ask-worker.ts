import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { ACTOR_HEADER } from '../../admin/headers.ts';

/** A request to the admin app of a worker. */
export interface WorkerRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** With its query, escaped. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Who asks the supervisor. */
  readonly actor: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const send = (
  socketPath: string,
  { method, path, body, actor, headers = {} }: WorkerRequest,
  signal: AbortSignal,
): ClientRequest => {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const content =
    payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
  const request = httpRequest({
    socketPath,
    method,
    path,
    signal,
    agent: false,
    headers: { ...headers, [ACTOR_HEADER]: actor, ...content },
  });
  request.end(payload);
  return request;
};

const responseTo = (request: ClientRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    // Errors after the response are those of its stream.
    request.on('error', reject);
    request.on('response', resolve);
  });

/** The whole answer, within so many ms. Rejects when there is none. */
export const askWorker = async (
  socketPath: string,
  request: WorkerRequest,
  patienceMs: number,
): Promise<{ readonly status: number; readonly body: unknown }> => {
  const response = await responseTo(send(socketPath, request, AbortSignal.timeout(patienceMs)));
  const body: unknown = JSON.parse(await text(response));
  return { status: response.statusCode ?? 0, body };
};

/** An answer whose body goes on, begun within so many ms. Rejects when there is none. */
export const openWorker = async (
  socketPath: string,
  request: WorkerRequest,
  patienceMs: number,
  signal: AbortSignal,
): Promise<IncomingMessage> => {
  const begin = new AbortController();
  const timer = setTimeout(() => begin.abort(), patienceMs);
  try {
    return await responseTo(send(socketPath, request, AbortSignal.any([signal, begin.signal])));
  } finally {
    clearTimeout(timer);
  }
};
