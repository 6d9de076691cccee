import type { JsonObject } from '../../core/json/read.ts';
import { sessionDownJson, sessionUpJson } from '../../core/json/session-json.ts';
import type { BoundedLog } from '../../core/ports/bounded-log.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { SessionEnding, SessionFacts, SessionUsage } from '../../core/ports/session-facts.ts';
import type { SessionListener } from '../../core/ports/session-listener.ts';
import { after } from '../../core/time.ts';
import type { Service } from './service.ts';

/** Pauses before an event is sent again, in ms; after the last one it is dropped. */
const PAUSES = [1_000, 5_000, 20_000] as const;

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

  /** Sends what waits, each event once more at the most, for so many ms. */
  async stop(milliseconds: number): Promise<void> {
    this.stopping = true;
    this.wake?.();
    if (this.sending === undefined) return;
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
    this.sending ??= this.send();
  }

  private async send(): Promise<void> {
    for (let event = this.queue[0]; event !== undefined; event = this.queue[0]) {
      const told = await this.tell(event);
      // `stop` may have taken it from the queue, and counted it.
      if (this.queue[0] !== event) continue;
      this.queue.shift();
      if (!told) this.drop(1);
    }
    // At once: who comes after the last look at the queue begins anew.
    this.sending = undefined;
  }

  private async tell(event: JsonObject): Promise<boolean> {
    for (const pause of [...PAUSES, undefined]) {
      try {
        await this.service.ask(event);
        return true;
      } catch {
        if (pause === undefined || this.stopping) return false;
        await this.pause(pause);
      }
    }
    return false;
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
