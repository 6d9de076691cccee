import { type Tracer, trace } from '@opentelemetry/api';
import type { Direction, DropReason } from '../core/outcome.ts';
import { type Log, silentLog } from '../core/ports/log.ts';
import type {
  Attributes,
  Measure,
  SpanReference,
  Telemetry,
  TunnelRole,
  TunnelTrace,
} from '../core/ports/telemetry.ts';
import { type Instant, instant } from '../core/time.ts';
import { Counters, type CountersSnapshot } from './counters.ts';
import { Funnel } from './funnel.ts';
import { keptAttributes } from './metrics/event-metrics.ts';
import { MeteredTrace, type SetupMeters } from './metrics/metered-trace.ts';
import type { MetricAttributes } from './metrics/readings.ts';
import { Recorder } from './metrics/recorder.ts';
import { SpanTrace, type TraceSettings } from './tunnel-trace.ts';
import { createUserNames, type UserNames } from './user-names.ts';

export interface TelemetryOptions {
  /** For faults of stages, which are bugs: the first of a stage at once, then one line for every thousand. */
  readonly log?: Log;
  readonly userNames?: UserNames;
  /** The tracer of the globally registered SDK if left out; without an SDK its spans cost nothing. */
  readonly tracer?: Tracer;
  /** The gateway's clock; the process' monotonic clock if left out. */
  readonly now?: () => Instant;
}

const FAULTS_PER_LINE = 1000;
/** Events of control connections that no call came of, with the attribute that says why. */
const CONTROL_FAILURES: Readonly<Record<string, string>> = {
  'control.no-call': 'error',
  'control.connection-refused': 'reason',
};

/** The Telemetry port over the OpenTelemetry API, with counters in memory. */
export class OpenTelemetryTelemetry implements Telemetry {
  /** Durations, for the exporters that ask for them. */
  readonly durations = new Recorder();
  /** Of the clients that call. */
  readonly funnel = new Funnel();
  readonly #counters = new Counters();
  readonly #log: Log;
  readonly #traces: TraceSettings;
  readonly #meters: SetupMeters;
  readonly #clients: SetupMeters;

  constructor(options: TelemetryOptions = {}) {
    this.#log = options.log ?? silentLog;
    this.#traces = {
      userNames: options.userNames ?? createUserNames('plain'),
      tracer: options.tracer ?? trace.getTracer('pptp-gateway'),
      now: options.now ?? (() => instant(performance.now())),
    };
    this.#meters = {
      durations: this.durations,
      now: this.#traces.now,
      failed: (phase, error) => this.event('setup.failed', { phase, 'error.type': error }),
    };
    this.#clients = { ...this.#meters, funnel: this.funnel };
  }

  packets(stage: string, direction: Direction, count: number, octets = 0): void {
    this.#counters.packets(stage, direction, count, octets);
  }

  dropped(stage: string, direction: Direction, reason: DropReason, count: number): void {
    this.#counters.dropped(stage, direction, reason, count);
  }

  fault(stage: string, direction: Direction, cause: unknown): void {
    const faults = this.#counters.fault(stage, direction);
    if (faults % FAULTS_PER_LINE !== 1) return;
    const message = `The stage ${stage} threw: a bug; the packet was dropped.`;
    this.#log.error('stage.fault', message, { stage, direction, faults, error: cause });
  }

  tunnel(attributes: Attributes, since?: Instant, role?: TunnelRole): TunnelTrace {
    // Of connections without a call only some are traced: the event counts them.
    const isClient = role !== 'client' && attributes['session.id'] !== undefined;
    const meters = isClient ? this.#clients : this.#meters;
    return new MeteredTrace(new SpanTrace(this.#traces, attributes, since, role), meters, since);
  }

  resumed(root: SpanReference, attributes: Attributes): TunnelTrace {
    return new SpanTrace(this.#traces, attributes, undefined, 'server', root);
  }

  event(name: string, attributes: Attributes = {}): void {
    this.#counters.event(name, keptAttributes(name, attributes));
    const why = CONTROL_FAILURES[name];
    if (why === undefined) return;
    this.funnel.reached('control');
    this.funnel.failed('control', String(attributes[why] ?? 'other'));
  }

  measure(name: Measure, seconds: number, attributes: MetricAttributes): void {
    this.durations.record(name, seconds, attributes);
  }

  snapshot(): CountersSnapshot {
    return this.#counters.snapshot();
  }
}
