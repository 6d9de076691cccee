import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { GatewayError } from '../../core/errors.ts';
import type { Log } from '../../core/ports/log.ts';
import { answering, hangUp, refuseTunnel } from './refuse.ts';
import { plainAddress, sourceOf } from './tcp-source.ts';
import { type TlsFiles, TlsSource } from './tls-files.ts';
import { Turns } from './turns.ts';

export interface TcpServerOptions {
  readonly address: string;
  /** 0 becomes a free one. */
  readonly port: number;
  readonly tls: TlsFiles | undefined;
  readonly log: Log;
  readonly limits?: Partial<TcpLimits>;
}

export interface TcpLimits {
  /** Connections in all, and from one source. */
  readonly connections: number;
  readonly connectionsPerSource: number;
  /** For the header of a request, and for all of it. */
  readonly headersMs: number;
  readonly requestMs: number;
  /** Between two requests of a connection. */
  readonly keepAliveMs: number;
  /** Until who does not take what was sent is given up. */
  readonly silenceMs: number;
  /** How often time-outs are looked after. */
  readonly checkMs: number;
}

const LIMITS: TcpLimits = {
  connections: 256,
  connectionsPerSource: 64,
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 15_000,
  silenceMs: 60_000,
  checkMs: 2000,
};

const KEEP_ALIVE_PROBE_MS = 30_000;

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** HTTP for strangers: everything that a connection may hold is limited, in time and in number. */
export class TcpServer {
  readonly #options: TcpServerOptions;
  readonly #limits: TcpLimits;
  readonly #answer: Answer;
  readonly #sources = new Map<string, number>();
  readonly #turns = new Turns();
  #server: Server | TlsServer | undefined;

  constructor(options: TcpServerOptions, answer: Answer) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#answer = answer;
  }

  /** Where it listens. Rejects with ADMIN_LISTEN. */
  async start(): Promise<{ readonly address: string; readonly port: number }> {
    const { address, port } = this.#options;
    const server = await this.#make();
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(this.#cannot(cause)));
      server.listen({ host: address, port }, resolve);
    });
    server.removeAllListeners('error');
    // No file descriptor left, for instance: the next caller may be luckier.
    server.on('error', () => undefined);
    this.#server = server;
    const bound = server.address();
    return typeof bound === 'object' && bound !== null ? bound : { address, port };
  }

  /** Cuts every connection. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  async #make(): Promise<Server | TlsServer> {
    const { headersMs, requestMs, keepAliveMs, silenceMs, checkMs, connections } = this.#limits;
    const options = {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: checkMs,
      // We answer ourselves, with a sentence.
      requireHostHeader: false,
    };
    const { tls } = this.#options;
    const server = tls === undefined ? createServer(options) : await this.#makeTls(tls, options);
    server.timeout = silenceMs;
    server.maxConnections = connections;
    server.on('connection', (socket: Socket) => this.#admit(socket));
    server.on('request', (request, response) => this.#take(request, response));
    server.on('timeout', (socket: Socket) => {
      // A capture has nothing to send while nothing happens: given up is who does not take what was sent.
      if (answering(socket) !== undefined && socket.writableLength === 0) socket.setTimeout(silenceMs);
      else socket.destroy();
    });
    server.on('clientError', (error, socket) => {
      // Of both kinds of server it is a stream of TCP.
      hangUp(error, socket as Socket);
    });
    server.on('connect', (_request, socket) => {
      // As above.
      refuseTunnel(socket as Socket);
    });
    server.on('checkExpectation', (_request, response) => {
      plain(response, 417, 'EXPECTATION_FAILED', 'Only 100-continue can be expected.');
    });
    return server;
  }

  async #makeTls(files: TlsFiles, options: object): Promise<TlsServer> {
    const source = new TlsSource(files, () => performance.now());
    const material = await source.load().catch((cause: unknown) => Promise.reject(this.#noTls(files, cause)));
    const { headersMs: handshakeTimeout } = this.#limits;
    const server = createTlsServer({ ...options, ...material, handshakeTimeout });
    const { log } = this.#options;
    server.on('connection', () => {
      source
        .renewed()
        .then((renewed) => {
          if (renewed === undefined) return;
          server.setSecureContext(renewed);
          log.info('admin.certificate', 'the admin API has taken its new certificate');
        })
        .catch((cause: unknown) => {
          const why = cause instanceof Error ? cause.message : String(cause);
          log.warn('admin.certificate', `the certificate of the admin API has changed and cannot be used: ${why}`);
        });
    });
    return server;
  }

  #admit(socket: Socket): void {
    const source = sourceOf(plainAddress(socket.remoteAddress));
    const count = this.#sources.get(source) ?? 0;
    if (count >= this.#limits.connectionsPerSource) {
      socket.destroy();
      return;
    }
    this.#sources.set(source, count + 1);
    // Who is gone without a word is found out also where nothing is sent.
    socket.setKeepAlive(true, KEEP_ALIVE_PROBE_MS);
    socket.once('close', () => {
      const left = (this.#sources.get(source) ?? 1) - 1;
      if (left > 0) this.#sources.set(source, left);
      else this.#sources.delete(source);
    });
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    this.#turns.take(request.socket, response, () => {
      if (request.headers.host === undefined && request.httpVersion === '1.1') {
        plain(response, 400, 'INVALID_REQUEST', 'The header Host is not there.');
      } else {
        this.#answer(request, response);
      }
    });
  }

  #noTls({ cert, key }: TlsFiles, cause: unknown): GatewayError {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new GatewayError(
      'ADMIN_LISTEN',
      `the certificate ${cert} with the key ${key} cannot be used for the admin API (${why}): correct PPTP_ADMIN_TLS_CERT and PPTP_ADMIN_TLS_KEY.`,
      { cause },
    );
  }

  #cannot(cause: Error): GatewayError {
    const { address, port } = this.#options;
    const code = 'code' in cause ? cause.code : undefined;
    const why =
      code === 'EADDRINUSE'
        ? 'another program listens there'
        : code === 'EADDRNOTAVAIL'
          ? 'this host has no such address'
          : cause.message;
    return new GatewayError(
      'ADMIN_LISTEN',
      `the admin API cannot be served on ${address} port ${port} (${why}): set PPTP_ADMIN_ADDRESS or PPTP_ADMIN_PORT to a free one, or PPTP_ADMIN_PORT to 0 for none.`,
      { cause },
    );
  }
}

const plain = (response: ServerResponse, status: number, code: string, message: string): void => {
  const body = JSON.stringify({ code, message });
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  response.end(body);
};
