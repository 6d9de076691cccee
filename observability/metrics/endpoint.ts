import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { GatewayError } from '../../core/errors.ts';
import type { Page, PageFormat } from './prometheus.ts';

export interface EndpointOptions {
  readonly address: string;
  readonly port: number;
  /** The setting that names the port, for errors. */
  readonly setting: string;
  /** How long a connection may last; 10 seconds if left out. */
  readonly connectionMs?: number;
}

/** Connections at once; a Prometheus needs one. */
const MOST_CONNECTIONS = 16;
/** For a whole request; for a connection, until the page has been read. */
const REQUEST_MS = 5000;
const CONNECTION_MS = 10_000;
const PATH = '/metrics';
const ORIGIN = 'http://gateway';

/** Serves the metrics page over HTTP, and nothing else. */
export class MetricsEndpoint {
  readonly #options: EndpointOptions;
  readonly #page: (format: PageFormat) => Promise<Page>;
  readonly #server: Server;

  constructor(options: EndpointOptions, page: (format: PageFormat) => Promise<Page>) {
    this.#options = options;
    this.#page = page;
    this.#server = createServer(
      { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, connectionsCheckingInterval: 1000 },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = MOST_CONNECTIONS;
    // Who asks many times without reading would fill the memory with pages, and keep others out for ever.
    this.#server.maxRequestsPerSocket = 1;
    this.#server.on('connection', (socket) => {
      const timer = setTimeout(() => socket.destroy(), options.connectionMs ?? CONNECTION_MS).unref();
      socket.once('close', () => clearTimeout(timer));
    });
  }

  /** Where it listens; port 0 has become a free one. Rejects with METRICS_ENDPOINT. */
  async start(): Promise<{ readonly address: string; readonly port: number }> {
    const { address, port } = this.#options;
    const server = this.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(this.#error(cause)));
      server.listen({ host: address, port }, resolve);
    });
    server.removeAllListeners('error');
    // No file descriptor left, for instance: the next reader may be luckier.
    server.on('error', () => undefined);
    const bound = server.address();
    return typeof bound === 'object' && bound !== null ? bound : { address, port };
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('connection', 'close');
    try {
      const url = request.url ?? '/';
      if (!URL.canParse(url, ORIGIN)) {
        plain(response, 400, 'The address in the request is none.\n');
      } else if (new URL(url, ORIGIN).pathname !== PATH) {
        plain(response, 404, `Metrics are at ${PATH}.\n`);
      } else if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.setHeader('allow', 'GET, HEAD');
        plain(response, 405, 'Metrics can only be read.\n');
      } else {
        const wants = request.headers.accept ?? '';
        const { contentType, text } = await this.#page(wants.includes('openmetrics-text') ? 'openmetrics' : 'text');
        response.writeHead(200, { 'content-type': contentType, 'content-length': Buffer.byteLength(text) });
        response.end(request.method === 'HEAD' ? undefined : text);
      }
    } catch {
      // A bug: the gateway goes on.
      if (!response.headersSent) plain(response, 500, 'The metrics could not be read.\n');
      else response.destroy();
    }
  }

  #error(cause: Error): GatewayError {
    const { address, port, setting } = this.#options;
    const code = 'code' in cause ? String(cause.code) : '';
    const why =
      code === 'EADDRINUSE'
        ? 'another program listens there'
        : code === 'EADDRNOTAVAIL'
          ? 'this host has no such address'
          : cause.message;
    return new GatewayError(
      'METRICS_ENDPOINT',
      `metrics cannot be served on ${address} port ${port} (${why}): change ${setting}.`,
      { cause },
    );
  }
}

const plain = (response: ServerResponse, status: number, text: string): void => {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(text);
};
