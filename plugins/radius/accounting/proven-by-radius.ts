import { aRecord, aText, oneOfState, someOf } from '../../../core/bytes/state.ts';
import type { Authenticator } from '../../../core/ports/auth.ts';
import type { EapRelay } from '../../../core/ports/eap-relay.ts';
import { type SessionId, sessionId } from '../../../core/ports/ids.ts';

/** Sessions that never come up are not asked about: the oldest ones are forgotten. */
const MOST = 65_536;

const readState = aRecord({ version: oneOfState(1), sessions: someOf(aText(64), MOST) });

/** Whose proof a RADIUS server has judged: accounting says so (Acct-Authentic). */
export class ProvenByRadius {
  private readonly sessions = new Set<SessionId>();

  has(id: SessionId): boolean {
    return this.sessions.has(id);
  }

  forget(id: SessionId): void {
    this.sessions.delete(id);
  }

  /** For another process, as plain data. */
  snapshot(): object {
    return { version: 1, sessions: [...this.sessions] };
  }

  /** Throws where it is not what `snapshot` gives; nothing: there was none. */
  restore(given: unknown): void {
    if (given === undefined) return;
    const read = readState(given);
    if (read === undefined) throw new Error('what it was given cannot be read');
    for (const id of read.value.sessions) this.note(sessionId(id));
  }

  /** The same back-end, watched. */
  authenticator(watched: Authenticator): Authenticator {
    return {
      name: watched.name,
      supports: (kind) => watched.supports(kind),
      verify: async (kind, request, signal, origin) => {
        const answer = await watched.verify(kind, request, signal, origin);
        if (answer.ok) this.note(origin.session.id);
        return answer;
      },
    };
  }

  /** The same relay, watched. */
  relay(watched: EapRelay): EapRelay {
    return {
      name: watched.name,
      ask: async (request, signal) => {
        const answer = await watched.ask(request, signal);
        if (answer.kind === 'accept') this.note(request.session.id);
        return answer;
      },
    };
  }

  private note(id: SessionId): void {
    this.sessions.delete(id);
    this.sessions.add(id);
    const [oldest] = this.sessions;
    if (this.sessions.size > MOST && oldest !== undefined) this.sessions.delete(oldest);
  }
}
