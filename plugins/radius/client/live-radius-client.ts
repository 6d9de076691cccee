import type { CancelSignal } from '../../../core/ports/cancel.ts';
import type { RadiusAnswer, RadiusRequest } from './group-types.ts';
import { RadiusClient, type RadiusClientDeps, type RadiusClientOptions, RadiusFailure } from './radius-client.ts';

/** Clients of earlier options that have requests on their way yet; then the oldest gives its own back. */
const MOST_RETIRING = 4;

/** No server of that client has judged the request. */
const UNANSWERED: ReadonlySet<RadiusFailure['code']> = new Set(['no-answer', 'closed', 'moved']);

/** One list of servers, with the numbers that they have outside. */
interface Generation {
  readonly client: RadiusClient;
  readonly numbers: readonly number[];
}

/**
 * Servers that may become others while requests are on their way. What was sent before waits for its answer, from the servers and
 * with the secret that it was sent with, and their sockets close after the last one; what gets none, and what had not been
 * sent, goes to the new ones. A server keeps its number for as long as it is called by the same name, so that an exchange of
 * several requests stays with it.
 */
export class LiveRadiusClient {
  private readonly deps: RadiusClientDeps;
  private readonly names: string[] = [];
  private options: RadiusClientOptions;
  private now: Generation;
  private retiring: RadiusClient[] = [];
  private closed = false;

  constructor(options: RadiusClientOptions, deps: RadiusClientDeps) {
    this.options = options;
    this.deps = deps;
    this.now = this.generation();
  }

  /** Asks by these from now on. */
  use(options: RadiusClientOptions): void {
    if (this.closed || JSON.stringify(options) === JSON.stringify(this.options)) return;
    this.options = options;
    const { client: before } = this.now;
    this.now = this.generation();
    before.retire();
    this.retiring = [...this.retiring, before].filter(({ isClosed }) => !isClosed);
    while (this.retiring.length > MOST_RETIRING) this.retiring.shift()?.close();
  }

  /** "192.0.2.1:1812", for people. */
  nameOf(server: number): string {
    return this.names[server] ?? 'unknown';
  }

  get load(): RadiusClient['load'] {
    return this.now.client.load;
  }

  /** The answer, verified. Rejects with RadiusFailure. */
  async ask(request: RadiusRequest, signal?: CancelSignal): Promise<RadiusAnswer> {
    for (;;) {
      const asked = this.now;
      try {
        const answer = await asked.client.ask(local(request, asked), signal);
        return { ...answer, server: asked.numbers[answer.server] ?? answer.server };
      } catch (cause) {
        const isUnanswered = cause instanceof RadiusFailure && UNANSWERED.has(cause.code);
        if (!isUnanswered || this.closed || asked === this.now) throw cause;
      }
    }
  }

  /** Gives up what waits. It answers nothing any more. */
  close(): void {
    this.closed = true;
    for (const client of [this.now.client, ...this.retiring]) client.close();
    this.retiring = [];
  }

  private generation(): Generation {
    const numbers = this.options.servers.map(({ host, port }) => this.numberOf(`${host}:${port}`));
    return { client: new RadiusClient(this.options, this.deps), numbers };
  }

  private numberOf(name: string): number {
    const known = this.names.indexOf(name);
    return known >= 0 ? known : this.names.push(name) - 1;
  }
}

/** A server that is not in the list any more has no place in it, and the request no answer. */
const local = (request: RadiusRequest, { numbers }: Generation): RadiusRequest =>
  request.only === undefined ? request : { ...request, only: numbers.indexOf(request.only) };
