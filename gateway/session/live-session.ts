import type { Session } from '../../core/datapath/session.ts';
import type { SessionFacts, SessionUsage } from '../../core/ports/session-facts.ts';

/** A session whose user has proven who it is, as accounting and administration look at it. */
export interface LiveSession {
  readonly session: Session;
  /** Undefined before the proof. */
  facts(): SessionFacts | undefined;
  usage(): SessionUsage;
  /** Since its network first came up, rounded down; 0 before. */
  seconds(): number;
}
