import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { Log } from '../../core/ports/log.ts';
import type { AdmissionRequest, PolicyAnswer, SessionPolicy } from '../../core/ports/policy.ts';
import type { SessionDirectory } from '../../core/ports/session-directory.ts';
import type { SessionEnding, SessionFacts } from '../../core/ports/session-facts.ts';
import type { SessionListener } from '../../core/ports/session-listener.ts';
import { ofUser } from '../policy-kit/names.ts';
import type { PolicySessionsOptions } from './options.ts';

const REPLACED: SessionEnding = {
  reason: 'administrative',
  detail: 'replaced by a newer log-in of the same user (policy-sessions)',
};
const TOO_MANY: SessionEnding = {
  reason: 'administrative',
  detail: 'the user has as many sessions as it may have (policy-sessions)',
};

/**
 * So many sessions of one user at a time, in all workers together.
 *
 * Two that log in at the same instant see each other, since a session counts from its proof on. With `refuse` the one whose
 * call began first goes on, and both come to the same answer; with `replace` both go on. Who slips through between a question
 * and its answer is met when a network comes up: whoever is up looks again, and of those that are up the ones that are too
 * many go, by the order in which they came up. Of two that look, the later one sees both. With `replace` the newest is never
 * among them: whoever ends it was up, or is going to be up, after it.
 */
export class SessionsPolicy implements SessionPolicy, SessionListener {
  readonly name = 'policy-sessions';
  private readonly options: PolicySessionsOptions;
  private readonly sessions: SessionDirectory;
  private readonly log: Log;

  constructor(options: PolicySessionsOptions, sessions: SessionDirectory, log: Log) {
    this.options = options;
    this.sessions = sessions;
    this.log = log;
  }

  async admit({ session, identity, at }: AdmissionRequest, signal: CancelSignal): Promise<PolicyAnswer> {
    const limit = this.limitOf(identity);
    const all = await this.of(identity);
    const others = all.filter(({ id }) => id !== session.id);
    const refusal = { admit: false, denial: 'too-many-sessions', detail: tooMany(limit, others.length) } as const;
    const up = others.filter(({ upAt }) => upAt !== undefined).toSorted(byAge);
    if (this.options.onLimit === 'refuse') {
      const own = all.find(({ id }) => id === session.id);
      const me = own ?? { id: session.id, startedAt: at };
      const before =
        own?.upAt === undefined
          ? up.length + others.filter((one) => one.upAt === undefined && byBeginning(one, me) < 0).length
          : up.filter((one) => byAge(one, own) < 0).length;
      return before < limit ? { admit: true } : refusal;
    }
    if (limit === 0 || signal.aborted) return refusal;
    await this.end(up.slice(0, Math.max(0, up.length + 1 - limit)), REPLACED);
    return { admit: true };
  }

  /** Counted when it came up; who comes next is counted with it. */
  restored(): void {}

  up({ id, identity }: SessionFacts): void {
    this.lookAgain(identity).catch((cause: unknown) =>
      this.log.error('policy.sessions-unknown', 'The sessions of a user cannot be counted.', {
        session: id,
        error: cause,
      }),
    );
  }

  private async lookAgain(identity: string): Promise<void> {
    const limit = this.limitOf(identity);
    const up = (await this.of(identity)).filter(({ upAt }) => upAt !== undefined).toSorted(byAge);
    if (up.length <= limit) return;
    if (this.options.onLimit === 'refuse') await this.end(up.slice(limit), TOO_MANY);
    else await this.end(up.slice(0, up.length - limit), REPLACED);
  }

  private async of(identity: string): Promise<readonly SessionFacts[]> {
    return (await this.sessions.find({ identity })).map(({ facts }) => facts);
  }

  private async end(sessions: readonly SessionFacts[], ending: SessionEnding): Promise<void> {
    await Promise.all(sessions.map(({ id }) => this.sessions.disconnect(id, ending)));
  }

  private limitOf(identity: string): number {
    return ofUser(this.options.users, identity) ?? this.options.limit;
  }
}

type Begun = Pick<SessionFacts, 'id' | 'startedAt'>;

const byId = (a: Begun, b: Begun): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
const byBeginning = (a: Begun, b: Begun): number => a.startedAt - b.startedAt || byId(a, b);
/** The longest up first; behind them those that are not up yet, by their beginning. */
const byAge = (a: SessionFacts, b: SessionFacts): number => {
  const [left, right] = [a.upAt ?? Number.MAX_VALUE, b.upAt ?? Number.MAX_VALUE];
  return left - right || byBeginning(a, b);
};

const tooMany = (limit: number, others: number): string =>
  `The user has ${others} other ${others === 1 ? 'session' : 'sessions'}, and may have ${limit} in all.`;
