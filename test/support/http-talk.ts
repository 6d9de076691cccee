import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Heard {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Undefined where the body is no JSON. */
  readonly json: unknown;
}

export interface Said {
  readonly method?: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** As it is if text, as JSON otherwise. */
  readonly body?: unknown;
  readonly ca?: string;
}

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

/** Asks once, on a connection of its own. The path may be anything. */
export const talk = (
  url: string,
  path: string,
  { method = 'GET', token, headers, body, ca }: Said = {},
): Promise<Heard> => {
  const { hostname, port, protocol } = new URL(url);
  const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const ask = protocol === 'https:' ? httpsRequest : httpRequest;
    const request = ask({
      host: hostname,
      port,
      method,
      path,
      agent: false,
      ...(ca === undefined ? {} : { ca, checkServerIdentity: () => undefined }),
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        ...(payload === undefined ? {} : { 'content-length': String(Buffer.byteLength(payload)) }),
        ...headers,
      },
    });
    request.on('error', reject);
    request.on('response', (response) => {
      text(response).then(
        (all) => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: all, json: parsed(all) }),
        reject,
      );
    });
    request.end(payload);
  });
};

/** Sends octets as they are, and collects all that comes until the other side closes. */
export const sendRaw = (port: number, octets: string | Uint8Array, { end = false } = {}): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    let heard = '';
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(heard));
    socket.write(octets);
    if (end) socket.end();
  });
