import { afterEach } from 'vitest';
import { RandomCallIds } from '../../core/machine/call-ids.ts';
import { StartCollisions } from '../../core/machine/pptp-collision.ts';
import type { CallEvent } from '../../core/ports/control.ts';
import { type Log, type LogFields, silentLog } from '../../core/ports/log.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import { type ConnectionSource, ControlPptp, type ControlPptpOptions } from '../../plugins/control-pptp/index.ts';
import { silentTelemetry } from './batches.ts';
import { ControlClient } from './control-client.ts';
import { startRequest } from './control-rig.ts';
import { ManualClock } from './manual-clock.ts';
import { seededRandom } from './seeded-random.ts';

interface Line {
  readonly event: string;
  readonly message: string;
  readonly fields: LogFields;
}

type AboutCall = Exclude<CallEvent, { kind: 'no-call' }>;

/** A server on loopback in manual time; everything it says is kept and can be waited for. */
export class ControlBench {
  readonly clock = new ManualClock();
  readonly events: AboutCall[] = [];
  /** Connections that ended without a call. */
  readonly without: Extract<CallEvent, { kind: 'no-call' }>[] = [];
  readonly lines: Line[] = [];
  readonly counted: string[] = [];
  /** "direction message" of each control message. */
  readonly messages: string[] = [];
  /** "name seconds protocol". */
  readonly measured: string[] = [];
  readonly plugin: ControlPptp;
  readonly clients: ControlClient[] = [];
  completed = false;
  /** Runs in the turn of the event, as the gateway's subscriber does. */
  onEvent: (event: CallEvent) => void = () => undefined;
  private readonly waiting: { readonly when: () => boolean; readonly resolve: () => void }[] = [];

  readonly collisions = new StartCollisions();

  constructor(options: Partial<ControlPptpOptions> = {}, source?: ConnectionSource) {
    const keep = (event: string, message: string, fields: LogFields = {}): void => {
      this.lines.push({ event, message, fields });
      this.check();
    };
    const log: Log = { ...silentLog, info: keep, warn: keep, error: keep, debug: keep, child: () => log };
    const random = seededRandom(5);
    const telemetry: Telemetry = {
      ...silentTelemetry,
      event: (name, { direction, message } = {}) => {
        this.counted.push(name);
        if (name === 'control.message') this.messages.push(`${direction} ${message}`);
      },
      measure: (name, seconds, { protocol }) => {
        this.measured.push(`${name} ${seconds} ${protocol}`);
        this.check();
      },
    };
    const callIds = new RandomCallIds({ random, now: () => this.clock.now() });
    this.plugin = new ControlPptp(
      { clock: this.clock, log, telemetry, callIds, random, collisions: this.collisions, source },
      { address: '127.0.0.1', port: 0, ...options },
    );
    this.plugin.calls$.subscribe({
      next: (event) => {
        if (event.kind === 'no-call') this.without.push(event);
        else this.events.push(event);
        this.onEvent(event);
        this.check();
      },
      complete: () => {
        this.completed = true;
      },
    });
  }

  async start(): Promise<this> {
    await this.plugin.start(new AbortController().signal);
    return this;
  }

  get port(): number {
    return this.plugin.listening?.port ?? 0;
  }

  async connect(host?: string, from?: string): Promise<ControlClient> {
    const client = await ControlClient.to(this.port, host, false, from);
    this.clients.push(client);
    return client;
  }

  async established(host?: string, from?: string): Promise<ControlClient> {
    const client = await this.connect(host, from);
    client.send(startRequest());
    await client.expect('start-control-connection-reply');
    return client;
  }

  /** Resolves as soon as `when` holds; looked at after every event and log line. */
  until(when: () => boolean): Promise<void> {
    if (when()) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ when, resolve }));
  }

  logged(event: string): Promise<void> {
    return this.until(() => this.lines.some((line) => line.event === event));
  }

  closedCalls(): Extract<AboutCall, { kind: 'closed' }>[] {
    return this.events.filter((event): event is Extract<AboutCall, { kind: 'closed' }> => event.kind === 'closed');
  }

  async end(): Promise<void> {
    for (const client of this.clients) client.socket.destroy();
    await this.plugin.stop();
  }

  private check(): void {
    for (const entry of this.waiting) if (entry.when()) entry.resolve();
  }
}

/** Makes benches that end with the test that they were made in. */
export const controlBenches = (): ((
  options?: Partial<ControlPptpOptions>,
  source?: ConnectionSource,
) => ControlBench) => {
  const benches: ControlBench[] = [];
  afterEach(async () => {
    for (const made of benches.splice(0)) await made.end();
  });
  return (options = {}, source = undefined) => {
    const made = new ControlBench(options, source);
    benches.push(made);
    return made;
  };
};
