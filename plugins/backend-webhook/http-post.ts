import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { WebhookFault } from './fault.ts';

/** An answer holds a profile at the most. */
const MOST_OCTETS = 64 * 1024;
const IDLE_MS = 30_000;

export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Posts bodies to one URL over connections that are kept. Follows no redirect. */
export class HttpPost {
  private readonly url: URL;
  private readonly agent: HttpAgent;
  private running = 0;
  private retired: (() => void) | undefined;

  constructor(url: URL, connections: number, tls: TlsMaterial = {}) {
    this.url = url;
    const pool = { keepAlive: true, maxSockets: connections, maxFreeSockets: connections, timeout: IDLE_MS };
    this.agent =
      url.protocol === 'https:' ? new HttpsAgent({ ...pool, ...tls, minVersion: 'TLSv1.2' }) : new HttpAgent(pool);
  }

  /** Rejects with a `WebhookFault`, with the signal's reason, or with the error of a connection that was lost. */
  async send(body: Uint8Array, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<HttpAnswer> {
    this.running += 1;
    try {
      return await this.request(body, headers, signal);
    } finally {
      this.running -= 1;
      this.closeAfterTheLast();
    }
  }

  private request(
    body: Uint8Array,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { url, agent } = this;
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const refuse = (cause: unknown): void => reject(signal.aborted ? signal.reason : cause);
      const request = start(url, {
        method: 'POST',
        agent,
        signal,
        headers: { ...headers, 'content-type': 'application/json', 'content-length': body.byteLength },
      });
      const closed = (): void => refuse(new Error('the connection was closed without an answer'));
      request.once('error', refuse);
      // The last event of all, and the only one where the other side changed the protocol (status 101).
      request.once('close', closed);
      request.once('response', (response) => {
        request.off('close', closed);
        collect(response).then(resolve, refuse);
      });
      request.end(body);
    });
  }

  /** Ends the connections that nobody uses just now. */
  dropKept(): void {
    for (const kept of Object.values(this.agent.freeSockets)) for (const socket of [...(kept ?? [])]) socket.destroy();
  }

  close(): void {
    this.agent.destroy();
  }

  /** Is closed when the last of its requests is over, and `closed` runs. */
  retire(closed: () => void): void {
    this.retired = closed;
    this.closeAfterTheLast();
  }

  private closeAfterTheLast(): void {
    if (this.retired === undefined || this.running > 0) return;
    this.close();
    this.retired();
  }
}

const collect = (response: IncomingMessage): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let octets = 0;
    response.on('data', (part: Buffer) => {
      octets += part.length;
      if (octets <= MOST_OCTETS) {
        parts.push(part);
        return;
      }
      reject(new WebhookFault('WEBHOOK_TOO_LARGE', `the answer has more than ${MOST_OCTETS} octets`));
      response.destroy();
    });
    response.once('error', reject);
    response.once('close', () => reject(new Error('the answer broke off')));
    response.once('end', () =>
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
    );
  });

const LOST: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED']);

/** The service closed a connection that we had kept, or died. */
export const isConnectionLost = (cause: unknown): boolean =>
  cause instanceof Error && LOST.has(Reflect.get(cause, 'code'));
