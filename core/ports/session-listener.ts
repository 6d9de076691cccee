import type { SessionView } from '../datapath/session.ts';
import type { SessionEnding, SessionFacts, SessionUsage } from './session-facts.ts';

/**
 * Is told what becomes of sessions, in the order in which it happens, for each session `up` first and `down` last, and
 * neither without the other. Called at the place where it happens: it must return at once. One that throws is logged and
 * counted, and the session never notices.
 */
export interface SessionListener {
  readonly name: string;
  /** The network of the session is up for the first time. */
  up?(facts: SessionFacts, session: SessionView): void;
  /**
   * In a process that took over from another one, in place of `up`: the session is up, and a listener of the process before
   * was told. A gateway with a listener that does not have this is not upgraded without dropping tunnels.
   */
  restored?(facts: SessionFacts, session: SessionView): void;
  /** Its address, its user or its profile is another one now. */
  changed?(facts: SessionFacts, session: SessionView): void;
  /** The session is over. The facts are the last ones. */
  down?(facts: SessionFacts, ending: SessionEnding, usage: SessionUsage, session: SessionView): void;
}
