import { aCount, aRecord, aText, oneOfState, someOf } from '../../core/bytes/state.ts';
import { type JsonObject, parseJson } from '../../core/json/read.ts';
import { sessionDownJson, sessionUpJson } from '../../core/json/session-json.ts';
import type { BoundedLog } from '../../core/ports/bounded-log.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { SessionEnding, SessionFacts, SessionUsage } from '../../core/ports/session-facts.ts';
import type { SessionListener } from '../../core/ports/session-listener.ts';
import { after } from '../../core/time.ts';
import type { Service } from './service.ts';

/** Pauses before an event is sent again, in ms; after the last one it is dropped. */
const PAUSES = [1_000, 5_000, 20_000] as const;

const readState = aRecord({
  version: oneOfState(1),
  /** As JSON, the oldest first. */
  events: someOf(aText(1 << 16), 1_000_000),
  lost: aCount(0, Number.MAX_SAFE_INTEGER),
});

type Outcome = 'told' | 'lost' | 'not now';

/** Tells the service of sessions, one event after the other; what does not fit into the queue is dropped and counted. */
export class WebhookEvents implements SessionListener {
  readonly name = 'webhook';
  private readonly service: Pick<Service, 'ask'>;
  private readonly clock: Clock;
  private readonly log: BoundedLog;
  private readonly most: () => number;
  private readonly queue: JsonObject[] = [];
  private sending: Promise<void> | undefined;
  private stopping = false;
  private resting = false;
  /** Another process tells what waits. */
  private left = false;
  private wake: (() => void) | undefined;
  private lost = 0;

  constructor(service: Pick<Service, 'ask'>, clock: Clock, log: BoundedLog, most: () => number) {
    this.service = service;
    this.clock = clock;
    this.log = log;
    this.most = most;
  }

  /** Events that never reached the service. */
  get dropped(): number {
    return this.lost;
  }

  up(facts: SessionFacts): void {
    this.add(sessionUpJson(facts));
  }

  down(facts: SessionFacts, ending: SessionEnding, usage: SessionUsage): void {
    this.add(sessionDownJson(facts, ending, usage));
  }

  /** The service was told of it by the process before. */
  restored(): void {
    // Nothing is to be told.
  }

  /** Sends nothing more, and resolves when nothing is on its way. */
  async rest(): Promise<void> {
    this.resting = true;
    this.wake?.();
    await this.sending;
  }

  /** What waits, for another process, as plain data. */
  release(): object {
    this.left = true;
    return { version: 1, events: this.queue.map((event) => JSON.stringify(event)), lost: this.lost };
  }

  /** Nothing is sent before `goOn`. Throws where it is not what `release` gives; nothing: there was none. */
  takeOver(given: unknown): void {
    this.resting = true;
    if (given === undefined) return;
    const read = readState(given)?.value;
    const events = read?.events.map((text) => parseJson(text)) ?? [];
    for (const event of events) if (event.ok && isObject(event.value)) this.queue.push(event.value);
    if (read === undefined || this.queue.length !== events.length) throw new Error('what it was given cannot be read');
    this.lost = read.lost;
    this.drop(this.queue.splice(this.most()).length);
  }

  /** After `rest`, or in the process that took over. */
  goOn(): void {
    this.left = false;
    this.resting = false;
    if (this.queue.length > 0) this.sending ??= this.send();
  }

  /** Sends what waits, each event once more at the most, for so many ms. */
  async stop(milliseconds: number): Promise<void> {
    this.stopping = true;
    this.wake?.();
    if (this.sending === undefined || this.left) return;
    let cancel = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = this.clock.schedule(after(this.clock.now(), milliseconds), resolve);
    });
    await Promise.race([this.sending, late]);
    cancel();
    this.drop(this.queue.splice(0).length);
  }

  private add(json: JsonObject): void {
    if (this.queue.length >= this.most()) {
      this.drop(1);
      return;
    }
    this.queue.push(json);
    if (!this.resting) this.sending ??= this.send();
  }

  private async send(): Promise<void> {
    for (let event = this.queue[0]; event !== undefined && !this.resting; event = this.queue[0]) {
      const outcome = await this.tell(event);
      if (outcome === 'not now') continue;
      // `stop` may have taken it from the queue, and counted it.
      if (this.queue[0] !== event) continue;
      this.queue.shift();
      if (outcome === 'lost') this.drop(1);
    }
    // At once: who comes after the last look at the queue begins anew.
    this.sending = undefined;
  }

  private async tell(event: JsonObject): Promise<Outcome> {
    for (const pause of [...PAUSES, undefined]) {
      try {
        await this.service.ask(event);
        return 'told';
      } catch {
        if (pause === undefined || this.stopping) return 'lost';
        if (!this.resting) await this.pause(pause);
        if (this.resting) return 'not now';
      }
    }
    return 'lost';
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.clock.schedule(after(this.clock.now(), milliseconds), () => this.wake?.());
      this.wake = () => {
        cancel();
        this.wake = undefined;
        resolve();
      };
    });
  }

  private drop(count: number): void {
    if (count === 0) return;
    this.lost += count;
    this.log.warn('webhook.events-dropped', 'Events of sessions did not reach the service.', { dropped: this.lost });
  }
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
