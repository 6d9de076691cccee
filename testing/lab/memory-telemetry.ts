import type { Direction, DropReason } from '../../core/outcome.ts';
import type {
  Attributes,
  Measure,
  PhaseSpan,
  SpanFailure,
  Telemetry,
  TunnelRole,
  TunnelTrace,
} from '../../core/ports/telemetry.ts';
import type { Instant } from '../../core/time.ts';

export interface RecordedEvent {
  readonly name: string;
  readonly attributes: Attributes;
  readonly at: Instant | undefined;
}

/** A span or a trace as it was reported. `ended` tells a span that never ended from one that ended well. */
export interface RecordedSpan {
  readonly name: string;
  readonly since: Instant | undefined;
  readonly steps: RecordedSpan[];
  readonly events: RecordedEvent[];
  attributes: Attributes;
  ended: boolean;
  failure: SpanFailure | undefined;
}

export interface RecordedTrace extends RecordedSpan {
  readonly traceId: string;
  readonly role: TunnelRole;
  readonly phases: readonly RecordedSpan[];
  readonly later: readonly RecordedSpan[];
}

const record = (name: string, attributes: Attributes, since: Instant | undefined): RecordedSpan => ({
  name,
  since,
  steps: [],
  events: [],
  attributes: { ...attributes },
  ended: false,
  failure: undefined,
});

const finish = (span: RecordedSpan, failure: SpanFailure | undefined): void => {
  if (span.ended) return;
  for (const step of span.steps) finish(step, failure);
  span.ended = true;
  span.failure = failure;
};

/** The port's side of a recorded span. What comes after its end is not recorded, as with real spans. */
const spanOf = (span: RecordedSpan): PhaseSpan => ({
  attributes: (more) => {
    if (!span.ended) span.attributes = { ...span.attributes, ...more };
  },
  event: (name, attributes = {}, at) => {
    if (!span.ended) span.events.push({ name, attributes, at });
  },
  step: (name, attributes = {}, since) => {
    const step = record(name, attributes, since);
    span.steps.push(step);
    return spanOf(step);
  },
  end: (failure) => finish(span, failure),
});

/** The Telemetry port in memory: everything that was reported, for tests to look at. */
export class MemoryTelemetry implements Telemetry {
  /** "stage direction" to packets that left it alive. */
  readonly passed = new Map<string, number>();
  /** "stage direction reason" to packets dropped. */
  readonly drops = new Map<string, number>();
  readonly faults: { readonly stage: string; readonly direction: Direction; readonly cause: unknown }[] = [];
  readonly events: { readonly name: string; readonly attributes: Attributes }[] = [];
  readonly measures: { readonly name: Measure; readonly seconds: number; readonly attributes: Attributes }[] = [];
  /** "device direction" to octets that came from it or went to it. */
  readonly octets = new Map<string, number>();
  readonly traces: RecordedTrace[] = [];

  packets(stage: string, direction: Direction, count: number, octets = 0): void {
    const name = `${stage} ${direction}`;
    this.passed.set(name, (this.passed.get(name) ?? 0) + count);
    if (octets > 0) this.octets.set(name, (this.octets.get(name) ?? 0) + octets);
  }

  dropped(stage: string, direction: Direction, reason: DropReason, count: number): void {
    const name = `${stage} ${direction} ${reason}`;
    this.drops.set(name, (this.drops.get(name) ?? 0) + count);
  }

  fault(stage: string, direction: Direction, cause: unknown): void {
    this.faults.push({ stage, direction, cause });
  }

  event(name: string, attributes: Attributes = {}): void {
    this.events.push({ name, attributes });
  }

  measure(name: Measure, seconds: number, attributes: Attributes): void {
    this.measures.push({ name, seconds, attributes });
  }

  tunnel(attributes: Attributes, since?: Instant, role: TunnelRole = 'server'): TunnelTrace {
    const phases: RecordedSpan[] = [];
    const later: RecordedSpan[] = [];
    const traceId = (this.traces.length + 1).toString(16).padStart(32, '0');
    const root = record('pptp.tunnel.setup', attributes, since);
    const trace: RecordedTrace = Object.assign(root, { traceId, role, phases, later });
    this.traces.push(trace);
    const { attributes: addAttributes, event } = spanOf(trace);
    const add = (to: RecordedSpan[], span: RecordedSpan): PhaseSpan => {
      to.push(span);
      return spanOf(span);
    };
    return {
      traceId,
      root: { traceId, spanId: traceId.slice(16), sampled: true },
      phase: (name, own = {}, began) => add(phases, record(name, own, began)),
      later: (name, own = {}, began) => add(later, record(name, own, began)),
      attributes: addAttributes,
      event,
      end: (failure) => {
        if (failure !== undefined) for (const phase of phases) finish(phase, failure);
        finish(trace, failure);
      },
    };
  }

  /** Packets dropped for a reason, whichever stage and direction. */
  dropsFor(reason: DropReason): number {
    let count = 0;
    for (const [name, dropped] of this.drops) if (name.endsWith(` ${reason}`)) count += dropped;
    return count;
  }
}
