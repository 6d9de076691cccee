import { randomBytes } from 'node:crypto';
import { type JsonObject, parseJson } from '../../core/json/read.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { WallClock } from '../../core/ports/wall-clock.ts';
import { after } from '../../core/time.ts';
import { WebhookFault } from './fault.ts';
import { type HttpAnswer, HttpPost, isConnectionLost, type TlsMaterial } from './http-post.ts';
import type { WebhookOptions } from './options.ts';
import { NONCE_HEADER, SIGNATURE_HEADER, sign, signatureFault, TIMESTAMP_HEADER } from './signature.ts';
import { Turnstile } from './turnstile.ts';

/** Looked at anew for each question. */
export type ServiceOptions = Pick<
  WebhookOptions,
  'url' | 'secret' | 'timeoutSeconds' | 'connections' | 'queue' | 'clockToleranceSeconds' | 'serverName'
>;

export interface ServiceClocks {
  readonly clock: Clock;
  readonly wallClock: WallClock;
}

/** The service as a function: a question, and an answer whose signature was right. */
export class Service {
  private readonly clocks: ServiceClocks;
  private readonly options: ServiceOptions;
  private readonly turnstile: Turnstile;
  private post: HttpPost | undefined;
  /** Of earlier options, with requests on their way yet. */
  private readonly retired = new Set<HttpPost>();
  private tls: TlsMaterial = {};
  private closed = false;

  constructor(clocks: ServiceClocks, options: ServiceOptions) {
    this.clocks = clocks;
    this.options = options;
    this.turnstile = new Turnstile(options.connections, options.queue);
  }

  /** Does nothing when it was closed already. */
  open(tls: TlsMaterial): void {
    if (this.closed) return;
    this.tls = tls;
    this.connect();
  }

  /** The options have become others. What was asked before is answered by whom it was asked of. */
  changed(): void {
    this.turnstile.resize(this.options.connections, this.options.queue);
    const before = this.post;
    if (before === undefined) return;
    this.retired.add(before);
    before.retire(() => this.retired.delete(before));
    this.connect();
  }

  private connect(): void {
    const { url, connections, serverName } = this.options;
    const tls = serverName === undefined ? this.tls : { ...this.tls, servername: serverName };
    this.post = new HttpPost(url, connections, tls);
  }

  close(): void {
    this.closed = true;
    for (const post of [this.post, ...this.retired]) post?.close();
    this.post = undefined;
  }

  /** Rejects with a `WebhookFault`. `signal` gives the question up. */
  async ask(question: JsonObject, signal?: CancelSignal): Promise<unknown> {
    const body = Buffer.from(JSON.stringify(question));
    const { controller, done } = this.limits(signal);
    try {
      const leave = await this.turnstile.enter(controller.signal);
      if (leave === undefined) throw new WebhookFault('WEBHOOK_BUSY', 'too many questions wait for the service');
      try {
        return await this.twice(body, controller.signal);
      } finally {
        leave();
      }
    } catch (cause) {
      throw faultOf(cause);
    } finally {
      done();
    }
  }

  /** Asking changes nothing at the service, so it may be asked again where a connection was lost. */
  private async twice(body: Uint8Array, signal: AbortSignal): Promise<unknown> {
    try {
      return await this.once(body, signal);
    } catch (cause) {
      if (!isConnectionLost(cause)) throw cause;
      // Who has closed that one may have closed them all.
      this.post?.dropKept();
      return await this.once(body, signal);
    }
  }

  private async once(body: Uint8Array, signal: AbortSignal): Promise<unknown> {
    const { secret } = this.options;
    if (this.post === undefined) throw new WebhookFault('WEBHOOK_CANCELLED', 'the gateway stops');
    const nonce = randomBytes(16).toString('hex');
    const timestamp = String(Math.floor(this.clocks.wallClock.now() / 1000));
    const signature = sign(secret, 'request', timestamp, nonce, body);
    const headers = { [TIMESTAMP_HEADER]: timestamp, [NONCE_HEADER]: nonce, [SIGNATURE_HEADER]: signature };
    return this.read(await this.post.send(body, headers, signal), nonce, secret);
  }

  private read({ status, headers, body }: HttpAnswer, nonce: string, secret: string): unknown {
    if (status !== 200) throw new WebhookFault('WEBHOOK_STATUS', `the service answered with the status ${status}`);
    const { clockToleranceSeconds } = this.options;
    const [timestamp, signature] = [TIMESTAMP_HEADER, SIGNATURE_HEADER].map((name) => one(headers[name]));
    const now = this.clocks.wallClock.now() / 1000;
    const fault = signatureFault(secret, 'answer', { timestamp, nonce, signature, body }, now, clockToleranceSeconds);
    if (fault !== undefined) throw new WebhookFault('WEBHOOK_SIGNATURE', `the answer was refused: ${fault}`);
    const read = parseJson(body.toString('utf8'));
    if (!read.ok) throw new WebhookFault('WEBHOOK_ANSWER', `the answer was refused: ${read.complaint}`);
    return read.value;
  }

  private limits(signal: CancelSignal | undefined): {
    readonly controller: AbortController;
    readonly done: () => void;
  } {
    const { clock } = this.clocks;
    const { timeoutSeconds } = this.options;
    const controller = new AbortController();
    const late = (): void =>
      controller.abort(new WebhookFault('WEBHOOK_TIMEOUT', `the service took more than ${timeoutSeconds} seconds`));
    const cancel = (): void =>
      controller.abort(new WebhookFault('WEBHOOK_CANCELLED', 'nobody wants the answer any more'));
    const done = clock.schedule(after(clock.now(), timeoutSeconds * 1000), late);
    signal?.addEventListener('abort', cancel);
    if (signal?.aborted === true) cancel();
    return { controller, done };
  }
}

const one = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' ? header : undefined;

const WORD = /^[A-Z][A-Z0-9_]{0,63}$/;

/** Errors of sockets and TLS may hold anything in their text; their code is enough. */
const faultOf = (cause: unknown): WebhookFault => {
  if (cause instanceof WebhookFault) return cause;
  const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined;
  const why = typeof code === 'string' && WORD.test(code) ? code : 'no connection';
  return new WebhookFault('WEBHOOK_UNREACHABLE', `the service cannot be reached: ${why}`);
};
