import type { Direction, DropReason } from '../../core/outcome.ts';
import type { Attributes, PhaseSpan, SetupPhase, Telemetry, TunnelTrace } from '../../core/ports/telemetry.ts';
import type { Instant } from '../../core/time.ts';

export type Failure = { readonly error: string; readonly message: string };

/** A span or a trace as it was reported. `ended` tells a span that never ended from one that ended well. */
export interface RecordedSpan {
  readonly name: string;
  readonly since: Instant | undefined;
  attributes: Attributes;
  ended: boolean;
  failure: Failure | undefined;
}

export interface RecordedTrace extends RecordedSpan {
  readonly traceId: string;
  readonly phases: readonly RecordedSpan[];
}

const record = (name: string, attributes: Attributes, since: Instant | undefined): RecordedSpan => ({
  name,
  since,
  attributes: { ...attributes },
  ended: false,
  failure: undefined,
});

const finish = (span: RecordedSpan, failure: Failure | undefined): void => {
  if (span.ended) return;
  span.ended = true;
  span.failure = failure;
};

/** The Telemetry port in memory: everything that was reported, for tests to look at. */
export class MemoryTelemetry implements Telemetry {
  /** "stage direction" to packets that left it alive. */
  readonly passed = new Map<string, number>();
  /** "stage direction reason" to packets dropped. */
  readonly drops = new Map<string, number>();
  readonly faults: { readonly stage: string; readonly direction: Direction; readonly cause: unknown }[] = [];
  readonly events: { readonly name: string; readonly attributes: Attributes }[] = [];
  readonly traces: RecordedTrace[] = [];

  packets(stage: string, direction: Direction, count: number): void {
    const name = `${stage} ${direction}`;
    this.passed.set(name, (this.passed.get(name) ?? 0) + count);
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

  tunnel(attributes: Attributes, since?: Instant): TunnelTrace {
    const phases: RecordedSpan[] = [];
    const traceId = (this.traces.length + 1).toString(16).padStart(32, '0');
    const trace: RecordedTrace = Object.assign(record('pptp.tunnel.setup', attributes, since), { traceId, phases });
    this.traces.push(trace);
    return {
      traceId,
      phase: (name, own = {}, began) => this.#phase(phases, name, own, began),
      attributes: (more) => {
        trace.attributes = { ...trace.attributes, ...more };
      },
      end: (failure) => {
        for (const phase of phases) finish(phase, failure);
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

  #phase(phases: RecordedSpan[], name: SetupPhase, attributes: Attributes, since: Instant | undefined): PhaseSpan {
    const span = record(name, attributes, since);
    phases.push(span);
    return {
      attributes: (more) => {
        span.attributes = { ...span.attributes, ...more };
      },
      end: (failure) => finish(span, failure),
    };
  }
}
