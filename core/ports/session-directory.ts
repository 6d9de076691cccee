import type { Ipv4 } from '../bytes/ipv4-address.ts';
import type { SessionId } from './ids.ts';
import type { ProfileChange } from './profile.ts';
import type { SessionEnding, SessionFacts, SessionUsage } from './session-facts.ts';

/** All of what is given must agree; nothing given: every session. */
export interface SessionQuery {
  readonly id?: SessionId;
  /** Compared without case, as users are. */
  readonly identity?: string;
  /** Inner address. */
  readonly address?: Ipv4;
  /** Outer address of the peer. */
  readonly peer?: Ipv4;
}

export interface FoundSession {
  readonly facts: SessionFacts;
  readonly usage: SessionUsage;
}

export type ChangeAnswer =
  /** The change is in force. */
  | { readonly ok: true }
  /** Nothing was changed. `gone`: there is no such session (any more); `refused`: this gateway cannot do it, `detail` says what. */
  | { readonly ok: false; readonly why: 'gone' | 'refused'; readonly detail: string };

/**
 * The sessions of the whole gateway, of all its workers. Sessions count from the moment when their user has proven who it
 * is. Rejects only when a worker cannot be asked.
 */
export interface SessionDirectory {
  find(query: SessionQuery): Promise<readonly FoundSession[]>;
  /** Ends a session in order; resolves when its call is over: false when there was none. */
  disconnect(id: SessionId, ending: SessionEnding): Promise<boolean>;
  /** Resolves when the change has taken effect on the data path, or nothing of it has. */
  change(id: SessionId, change: ProfileChange): Promise<ChangeAnswer>;
}
