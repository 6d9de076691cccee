import type { SessionId } from '../../core/ports/ids.ts';
import type { ProfileChange } from '../../core/ports/profile.ts';
import type { ChangeAnswer, FoundSession, SessionDirectory, SessionQuery } from '../../core/ports/session-directory.ts';
import type { SessionEnding } from '../../core/ports/session-facts.ts';
import type { LiveSession } from './live-session.ts';
import { sameUser } from './same-user.ts';
import type { TunnelEnding } from './tunnel-view.ts';

/** A session that can be acted on. */
export interface ManagedSession extends LiveSession {
  disconnect(ending: SessionEnding): void;
  change(change: ProfileChange): ChangeAnswer;
}

/** The driver, as far as the sessions with users are concerned. */
export interface ManagedSessions {
  /** In the order of their beginning. */
  live(): Iterable<ManagedSession>;
  liveOne(id: SessionId): ManagedSession | undefined;
  onEnd(listener: (ending: TunnelEnding) => void): void;
}

export const GONE: ChangeAnswer = { ok: false, why: 'gone', detail: 'there is no such session' };

/** The sessions of this process. */
export class LocalSessions implements SessionDirectory {
  private readonly sessions: () => ManagedSessions;
  private known: ManagedSessions | undefined;
  /** Who waits for the end of which session. */
  private readonly waiting = new Map<SessionId, (() => void)[]>();

  /** `sessions` is asked with the first question: plug-ins have this object before there are sessions. */
  constructor(sessions: () => ManagedSessions) {
    this.sessions = sessions;
  }

  find(query: SessionQuery): Promise<readonly FoundSession[]> {
    const found: FoundSession[] = [];
    for (const live of this.candidates(query)) {
      const facts = live.facts();
      if (facts !== undefined && fits(facts, query)) found.push({ facts, usage: live.usage() });
    }
    return Promise.resolve(found);
  }

  disconnect(id: SessionId, ending: SessionEnding): Promise<boolean> {
    const live = this.all.liveOne(id);
    if (live === undefined) return Promise.resolve(false);
    return new Promise((resolve) => {
      const others = this.waiting.get(id) ?? [];
      this.waiting.set(id, [...others, () => resolve(true)]);
      live.disconnect(ending);
    });
  }

  change(id: SessionId, change: ProfileChange): Promise<ChangeAnswer> {
    return Promise.resolve(this.all.liveOne(id)?.change(change) ?? GONE);
  }

  private candidates({ id }: SessionQuery): Iterable<ManagedSession> {
    if (id === undefined) return this.all.live();
    const one = this.all.liveOne(id);
    return one === undefined ? [] : [one];
  }

  private get all(): ManagedSessions {
    if (this.known !== undefined) return this.known;
    const known = this.sessions();
    known.onEnd(({ view }) => {
      const waiting = this.waiting.get(view.session.id);
      this.waiting.delete(view.session.id);
      for (const resolve of waiting ?? []) resolve();
    });
    this.known = known;
    return known;
  }
}

const fits = ({ id, identity, address, call }: FoundSession['facts'], query: SessionQuery): boolean =>
  (query.id === undefined || query.id === id) &&
  (query.identity === undefined || sameUser(query.identity, identity)) &&
  (query.address === undefined || query.address === address) &&
  (query.peer === undefined || query.peer === call.peer);
