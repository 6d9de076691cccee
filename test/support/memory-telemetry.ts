import type { Direction, DropReason } from '../../core/outcome.ts';
import type { Attributes, PhaseSpan, SpanFailure, Telemetry, TunnelRole, TunnelTrace } from '../../core/ports/telemetry.ts';
import type { Instant } from '../../core/time.ts';

/** A span or a trace as it was reported. `ended` tells a span that never ended from one that ended well. */
export interface RecordedSpan {
  readonly name: string;
  readonly since: Instant | undefined;
  readonly steps: readonly RecordedSpan[];
  readonly events: readonly RecordedEvent[];
  attributes: Attributes;
  ended: boolean;
  failure: SpanFailure | undefined;
}

export interface RecordedEvent {
  readonly name: string;
  readonly attributes: Attributes;
  readonly at: Instant | undefined;
}

export interface RecordedTrace extends RecordedSpan {
  readonly traceId: string;
  readonly role: TunnelRole;
  readonly phases: readonly RecordedSpan[];
  readonly later: readonly RecordedSpan[];
}

class MemorySpan implements RecordedSpan, PhaseSpan {
  readonly name: string;
  readonly since: Instant | undefined;
  readonly record: RecordedSpan;
  constructor() {}
}
