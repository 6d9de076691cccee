import type { SpanFailure, TunnelRole } from '../../core/ports/telemetry.ts';
import type { Instant } from '../../core/time.ts';

/** `setup`: under way. `up`: its network is up. `failed`: over before that. `closed`: over after that. */
export type JournalOutcome = 'setup' | 'up' | 'failed' | 'closed';

export interface JournalPhase {
  readonly name: string;
  readonly startedAt: Instant;
  readonly endedAt: Instant | undefined;
  readonly failure: SpanFailure | undefined;
}

/** Something that was logged or traced about a tunnel. Printable. */
export interface JournalNote {
  readonly at: Instant;
  /** A stable dotted name ("auth.failed", "lcp.identification"). */
  readonly event: string;
  readonly message: string;
  /** Said by the same event and worth comparing ("denial" of "auth.failed"). */
  readonly fields: Readonly<Record<string, string>>;
}

/** What passed through a tunnel. */
export interface JournalNumbers {
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly octetsIn: number;
  readonly octetsOut: number;
  /** GRE numbers of the peer that never came. */
  readonly lost: number;
  /** The highest GRE number of ours that the peer acknowledged; -1: none. */
  readonly acknowledged: number;
  /** Dropped because the send window stayed full; undefined without a send window. */
  readonly windowDropped: number | undefined;
  /** Dropped packets by "stage direction reason". */
  readonly drops: Readonly<Record<string, number>>;
}

/** One tunnel, or one control connection that ended without a call, as it is remembered. */
export interface JournalRecord {
  /** The session id; of a control connection a number of the journal's own ("control-17"). */
  readonly id: string;
  readonly kind: 'tunnel' | 'control';
  readonly role: TunnelRole;
  readonly traceId: string;
  readonly outcome: JournalOutcome;
  readonly startedAt: Instant;
  readonly upAt: Instant | undefined;
  readonly endedAt: Instant | undefined;
  /** The other side's outer address, with its port where that is known. */
  readonly peer: string | undefined;
  readonly user: string | undefined;
  /** How the user proved to be who it is, or last tried to. */
  readonly method: string | undefined;
  /** The inner address of the peer. */
  readonly address: string | undefined;
  readonly encryption: string | undefined;
  /** What the peer's system says of itself (LCP Identification, or vendor of the control connection). */
  readonly identification: string | undefined;
  readonly phases: readonly JournalPhase[];
  /** Why the set-up failed: the first cause, not what followed from it. */
  readonly failure: SpanFailure | undefined;
  /** How the call ended. */
  readonly end: { readonly reason: string; readonly detail: string } | undefined;
  /** The first and the last ones, when there were too many; of a tunnel that came up hardly any from before that. */
  readonly notes: readonly JournalNote[];
  /** Messages of the protocols, as far as traces have them; the first and the last. */
  readonly messages: readonly JournalNote[];
  /** Notes and messages that there was no room for. */
  readonly leftOut: number;
  readonly numbers: JournalNumbers | undefined;
}
