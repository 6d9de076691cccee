import type { Direction, DropReason } from '../outcome.ts';
import type { Instant } from '../time.ts';

export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** The phases of one tunnel set-up, each a span of its trace. */
export const SETUP_PHASES = ['control', 'lcp', 'auth', 'ccp', 'ipcp'] as const;
export type SetupPhase = (typeof SETUP_PHASES)[number];

/** One span of a set-up; ended exactly once (later ends are ignored). */
export interface PhaseSpan {
  attributes(attributes: Attributes): void;
  /** `error` is a stable word or protocol code (becomes error.type), `message` a sentence. */
  end(failure?: { readonly error: string; readonly message: string }): void;
}

/** The trace of one tunnel's set-up: from the first control message to IPCP open, or to the failure. */
export interface TunnelTrace {
  readonly traceId: string;
  phase(name: SetupPhase, attributes?: Attributes, since?: Instant): PhaseSpan;
  attributes(attributes: Attributes): void;
  end(failure?: { readonly error: string; readonly message: string }): void;
}

/** What the gateway reports about itself. Implemented by observability/, in memory by tests. */
export interface Telemetry {
  /** Packets that left a stage alive. */
  packets(stage: string, direction: Direction, count: number): void;
  /** Packets dropped by a stage; called once per batch and reason, and nowhere else for the same packets. */
  dropped(stage: string, direction: Direction, reason: DropReason, count: number): void;
  /** A stage threw: the packet is also counted by `dropped` as `stage-fault`. */
  fault(stage: string, direction: Direction, cause: unknown): void;
  /** `since` is when the first control message came, on the gateway's clock. */
  tunnel(attributes: Attributes, since?: Instant): TunnelTrace;
  /** Something worth counting that is not a packet (`auth.failed`, `call.refused`). */
  event(name: string, attributes?: Attributes): void;
}
