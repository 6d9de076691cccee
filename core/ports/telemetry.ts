import type { Direction, DropReason } from '../outcome.ts';
import type { Instant } from '../time.ts';

export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** The phases of one tunnel set-up, each a span of its trace. */
export const SETUP_PHASES = ['control', 'lcp', 'auth', 'address', 'ccp', 'ipcp', 'ipv6cp'] as const;
export type SetupPhase = (typeof SETUP_PHASES)[number];

/** Parts of a phase with a duration of their own: one attempt to authenticate, one question to a back-end, one task. */
export const SETUP_STEPS = ['auth.round', 'auth.backend', 'auth.task'] as const;
/** `plugin.NAME`: one question to an object of a plug-in, by the object's name. */
export type SetupStep = (typeof SETUP_STEPS)[number] | `plugin.${string}`;

/** What happens to a tunnel after its set-up, each a short span of its own. */
export const LATER_SPANS = [
  'renegotiation',
  'mppe_reset',
  'echo_loss',
  'password_change',
  'limit_reached',
  'prefix_withdrawn',
  'routes',
  'end',
] as const;
export type LaterSpan = (typeof LATER_SPANS)[number];

/** Why a span failed. */
export interface SpanFailure {
  /** A stable word or protocol code (becomes error.type). */
  readonly error: string;
  /** A sentence. */
  readonly message: string;
}

/** One span of a set-up; ended exactly once (later ends are ignored). */
export interface PhaseSpan {
  attributes(attributes: Attributes): void;
  /** Something that took no time of its own, such as a message. `at`: when, if not now. */
  event(name: string, attributes?: Attributes, at?: Instant): void;
  /** A part of this span. One that is still open when this span ends is ended with it. */
  step(name: SetupStep | SetupPhase, attributes?: Attributes, since?: Instant): PhaseSpan;
  end(failure?: SpanFailure): void;
}

/** What other traces need to point at a span; W3C Trace Context ids in lower-case hexadecimal. */
export interface SpanReference {
  readonly traceId: string;
  /** All zeros while nobody collects spans. */
  readonly spanId: string;
  readonly sampled: boolean;
}

/** The trace of one tunnel's set-up: from the first control message to IPCP open, or to the failure. */
export interface TunnelTrace {
  readonly traceId: string;
  /** Its root span. */
  readonly root: SpanReference;
  phase(name: SetupPhase, attributes?: Attributes, since?: Instant): PhaseSpan;
  attributes(attributes: Attributes): void;
  /** Something that happened during the set-up and belongs to no phase. */
  event(name: string, attributes?: Attributes, at?: Instant): void;
  /** With a failure it ends the phases still open as well; without one they go on to their own ends. */
  end(failure?: SpanFailure): void;
  /**
   * A span in a trace of its own that points back at the set-up and carries its identity: exported spans are ended spans,
   * and nobody would see a span that is as long as the tunnel. Also after `end`.
   */
  later(name: LaterSpan, attributes?: Attributes, since?: Instant): PhaseSpan;
}

/** `server` was called, `client` calls. */
export type TunnelRole = 'server' | 'client';

/** Durations that are no part of a set-up: Echo-Request to Echo-Reply, a back-end's answer, the life of a call. */
export const MEASURES = ['pptp.echo.duration', 'pptp.auth.backend.duration', 'pptp.tunnel.duration'] as const;
export type Measure = (typeof MEASURES)[number];

/** What the gateway reports about itself. Implemented by observability/, in memory by tests. */
export interface Telemetry {
  /** Packets that left a stage alive. `octets` is for devices: received from them, or taken by them. */
  packets(stage: string, direction: Direction, count: number, octets?: number): void;
  /** Packets dropped by a stage; called once per batch and reason, and nowhere else for the same packets. */
  dropped(stage: string, direction: Direction, reason: DropReason, count: number): void;
  /** A stage threw: the packet is also counted by `dropped` as `stage-fault`. */
  fault(stage: string, direction: Direction, cause: unknown): void;
  /** `since` is when the first control message came, on the gateway's clock. `role` is `server` if left out. */
  tunnel(attributes: Attributes, since?: Instant, role?: TunnelRole): TunnelTrace;
  /**
   * In a process that took over: the trace of a tunnel that is up, whose set-up ended in the process before. Where this is
   * absent, another trace is begun.
   */
  resumed?(root: SpanReference, attributes: Attributes, since: Instant, upAt: Instant): TunnelTrace;
  /** Something worth counting that is not a packet (`auth.failed`, `call.refused`). */
  event(name: string, attributes?: Attributes): void;
  /** Something took so many seconds. The attributes are those that the metric of that name has. */
  measure(name: Measure, seconds: number, attributes: Readonly<Record<string, string>>): void;
}
