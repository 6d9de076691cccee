import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { sign, signatureFault, type WebhookOptions } from '../../plugins/backend-webhook/index.ts';

export const SECRET = 'a secret of the two of them';

/** The settings with their usual values. */
export const webhookOptions = (changes: Partial<WebhookOptions>): WebhookOptions => ({
  url: new URL('https://id.example.com/pptp'),
  secret: SECRET,
  proofs: ['ms-chap-v2'],
  timeoutSeconds: 5,
  traffic: true,
  fixedAddresses: new Set(),
  connections: 8,
  queue: 256,
  clockToleranceSeconds: 60,
  cacheSeconds: 10,
  cacheRejectSeconds: 0,
  cacheEntries: 1000,
  events: false,
  eventQueue: 1000,
  caFile: undefined,
  certFile: undefined,
  keyFile: undefined,
  serverName: undefined,
  allowPlainHttp: false,
  allowPlainPap: false,
  ...changes,
});

export interface Asked {
  readonly question: Readonly<Record<string, unknown>>;
  readonly nonce: string;
  readonly timestamp: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** What the service does: an answer to sign and send, or undefined when it dealt with the response itself. */
export type Answers = (asked: Asked) => object | undefined | Promise<object | undefined>;

/** A service on loopback that checks each question's signature and signs its answers. */
export class WebhookService {
  readonly questions: Asked['question'][] = [];
  connections = 0;
  answers: Answers;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly tls: boolean;

  private constructor(answers: Answers, tls: ServerOptions | undefined) {
    this.answers = answers;
    this.tls = tls !== undefined;
    const listen = (request: IncomingMessage, response: ServerResponse): void => void this.serve(request, response);
    this.server = tls === undefined ? createServer(listen) : createTlsServer(tls, listen);
    this.server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
  }

  static async start(answers: Answers, tls?: ServerOptions): Promise<WebhookService> {
    const service = new WebhookService(answers, tls);
    service.server.listen(0, '127.0.0.1');
    await once(service.server, 'listening');
    return service;
  }

  get url(): URL {
    const { port } = this.server.address() as AddressInfo;
    return new URL(`${this.tls ? 'https' : 'http'}://127.0.0.1:${port}/pptp`);
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await once(this.server, 'close');
  }

  /** Sends an answer; what is given instead of the right words is for tests of wrong ones. */
  static reply(
    asked: Asked,
    answer: object,
    wrong: { secret?: string; nonce?: string; timestamp?: string } = {},
  ): void {
    const body = Buffer.from(JSON.stringify(answer));
    const timestamp = wrong.timestamp ?? asked.timestamp;
    const signature = sign(wrong.secret ?? SECRET, 'answer', timestamp, wrong.nonce ?? asked.nonce, body);
    asked.response.writeHead(200, { 'x-pptp-timestamp': timestamp, 'x-pptp-signature': signature });
    asked.response.end(body);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    const [timestamp = '', nonce = '', signature] = ['timestamp', 'nonce', 'signature'].map((name) =>
      request.headers[`x-pptp-${name}`]?.toString(),
    );
    const fault = signatureFault(SECRET, 'request', { timestamp, nonce, signature, body }, Number(timestamp), 0);
    if (fault !== undefined) {
      response.writeHead(401).end(fault);
      return;
    }
    const asked = { question: JSON.parse(body.toString()), nonce, timestamp, request, response };
    this.questions.push(asked.question);
    const answer = await this.answers(asked);
    if (answer !== undefined) WebhookService.reply(asked, answer);
  }
}
