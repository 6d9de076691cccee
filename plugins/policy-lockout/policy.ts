import { formatIpv4, type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { AuthDenial } from '../../core/ports/auth.ts';
import type { Fleet } from '../../core/ports/fleet.ts';
import { type Lock, type LockBook, type LockKind, type LockQuery, lockFits } from '../../core/ports/locks.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Attempt, SessionPolicy } from '../../core/ports/policy.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { WallClock } from '../../core/ports/wall-clock.ts';
import { bareName } from '../policy-kit/names.ts';
import { type OffenceLimits, Offenders } from './offenders.ts';
import type { PolicyLockoutOptions } from './options.ts';

const SECOND_MS = 1000;
const TOPIC = 'policy-lockout';

export interface LockoutDeps {
  readonly wallClock: WallClock;
  readonly fleet: Fleet;
  readonly log: Log;
  readonly telemetry: Pick<Telemetry, 'event'>;
}

/** What a worker tells the others: a proof of this user from this address was right, or wrong. */
interface Told {
  readonly user: string;
  readonly source: number;
  readonly at: number;
  readonly right: boolean;
}

/** What a worker tells the others: the operator has ended these locks. */
interface ClearTold {
  readonly clear: LockQuery;
}

/**
 * Locks out who guesses passwords: a user for one address, and an address for all users, each for a time that doubles. A
 * user is never locked for addresses where nobody guessed, unless `userFailures` says so: otherwise anybody who knows a name
 * could keep its owner out. Even then the addresses that the user has come from stay open.
 */
export class LockoutPolicy implements SessionPolicy, LockBook {
  readonly name = 'policy-lockout';
  private readonly options: PolicyLockoutOptions;
  private readonly deps: LockoutDeps;
  private readonly pairs: Offenders;
  private readonly sources: Offenders;
  private readonly users: Offenders;
  /** Pairs of user and address that have proven themselves; the last one is the newest. */
  private readonly trusted = new Set<string>();

  constructor(options: PolicyLockoutOptions, deps: LockoutDeps) {
    this.options = options;
    this.deps = deps;
    this.pairs = new Offenders(limitsOf(options, 'failures'));
    this.sources = new Offenders(limitsOf(options, 'sourceFailures'));
    this.users = new Offenders(limitsOf(options, 'userFailures'));
    deps.fleet.subscribe(TOPIC, (message) => {
      if (isTold(message)) this.note(message, false);
      else if (isClearTold(message)) this.forget(message.clear);
    });
  }

  mayTry({ userName, source, at }: Attempt): boolean {
    const { sourceFailures, userFailures } = this.options;
    if (sourceFailures > 0 && this.sources.lockedUntil(String(source), at) !== undefined) return this.refused('source');
    if (userName === undefined) return true;
    const user = bareName(userName);
    const pair = pairOf(user, source);
    if (this.pairs.lockedUntil(pair, at) !== undefined) return this.refused('user-and-source');
    const isLocked = userFailures > 0 && this.users.lockedUntil(user, at) !== undefined;
    return isLocked && !this.trusted.has(pair) ? this.refused('user') : true;
  }

  /** Locked meanwhile by others: who sends many guesses at a time would have them all judged otherwise. */
  mayPass(attempt: Attempt): boolean {
    return this.mayTry(attempt);
  }

  /** Only a wrong proof is a guess: one that has expired, or that no back-end could judge, is none. */
  tried({ userName, source, at }: Attempt, denial: AuthDenial | undefined): void {
    if (userName === undefined || (denial !== undefined && denial !== 'bad-credentials')) return;
    const told: Told = { user: bareName(userName), source, at, right: denial === undefined };
    const news = this.note(told, true);
    if (news) this.deps.fleet.publish(TOPIC, told);
  }

  list(): readonly Lock[] {
    const now = this.deps.wallClock.now();
    return this.kinds().flatMap(({ offenders, lockOf }) =>
      [...offenders.locked(now)].map(([name, until]) => ({ ...lockOf(name), until })),
    );
  }

  clear(query: LockQuery): number {
    const clear = query.user === undefined ? query : { ...query, user: bareName(query.user) };
    this.deps.fleet.publish(TOPIC, { clear } satisfies ClearTold);
    const count = this.forget(clear);
    this.deps.log.info('auth.locks-cleared', 'The operator has ended locks against guessing.', {
      locks: count,
      ...(clear.what === undefined ? {} : { what: clear.what }),
      ...(clear.user === undefined ? {} : { user: clear.user }),
      ...(clear.source === undefined ? {} : { source: formatIpv4(clear.source) }),
    });
    return count;
  }

  /** Failures that have led to no lock yet, too: otherwise the next one might. */
  private forget(query: LockQuery): number {
    const now = this.deps.wallClock.now();
    let count = 0;
    for (const { offenders, lockOf } of this.kinds()) {
      for (const name of offenders.names()) {
        if (!lockFits(lockOf(name), query)) continue;
        if (offenders.lockedUntil(name, now) !== undefined) count += 1;
        offenders.forget(name);
      }
    }
    return count;
  }

  private kinds(): readonly Kind[] {
    return [
      { offenders: this.pairs, lockOf: lockOfPair },
      { offenders: this.sources, lockOf: (name) => ({ what: 'source', source: ipv4(Number(name)) }) },
      { offenders: this.users, lockOf: (user) => ({ what: 'user', user }) },
    ];
  }

  /** `own`: it was made here, so this worker is the one that says so. False: nobody learns anything new from it. */
  private note({ user, source, at, right }: Told, own: boolean): boolean {
    const pair = pairOf(user, source);
    if (right) {
      const known = this.trusted.delete(pair);
      this.trusted.add(pair);
      this.forgetOldestTrusted();
      // The address keeps its failures: one good account is no licence to guess at others.
      const had = this.pairs.size > 0;
      this.pairs.forget(pair);
      return !known || had;
    }
    const { sourceFailures, userFailures } = this.options;
    const fields = { user, source: formatIpv4(source as Ipv4) };
    const pairLock = this.pairs.failed(pair, at);
    if (own) this.locked('user-and-source', pairLock, fields);
    const sourceLock = sourceFailures > 0 ? this.sources.failed(String(source), at) : undefined;
    if (own) this.locked('source', sourceLock, { source: fields.source });
    const userLock = userFailures > 0 ? this.users.failed(user, at) : undefined;
    if (own) this.locked('user', userLock, { user });
    return true;
  }

  private locked(what: string, milliseconds: number | undefined, fields: Readonly<Record<string, string>>): void {
    if (milliseconds === undefined) return;
    const seconds = milliseconds / SECOND_MS;
    this.deps.telemetry.event('auth.locked-out', { what });
    this.deps.log.warn('auth.locked-out', `Too many wrong passwords: locked for ${seconds} s.`, {
      what,
      ...fields,
      seconds,
    });
  }

  private refused(what: string): false {
    this.deps.telemetry.event('auth.refused-locked', { what });
    return false;
  }

  private forgetOldestTrusted(): void {
    for (const oldest of this.trusted) {
      if (this.trusted.size <= this.options.remembered) return;
      this.trusted.delete(oldest);
    }
  }
}

/** As the options are at the moment: they may become others. */
const limitsOf = (
  options: PolicyLockoutOptions,
  failures: 'failures' | 'sourceFailures' | 'userFailures',
): OffenceLimits => ({
  get failures() {
    return options[failures];
  },
  get lockMs() {
    return options.lockSeconds * SECOND_MS;
  },
  get mostLockMs() {
    return options.mostLockSeconds * SECOND_MS;
  },
  get decayMs() {
    return options.decaySeconds * SECOND_MS;
  },
  get remembered() {
    return options.remembered;
  },
});

interface Kind {
  readonly offenders: Offenders;
  lockOf(name: string): Omit<Lock, 'until'>;
}

const lockOfPair = (name: string): Omit<Lock, 'until'> => {
  const gap = name.indexOf(' ');
  return { what: 'user-and-source', user: name.slice(gap + 1), source: ipv4(Number(name.slice(0, gap))) };
};

const pairOf = (user: string, source: number): string => `${source} ${user}`;

const isTold = (message: unknown): message is Told =>
  typeof message === 'object' &&
  message !== null &&
  'user' in message &&
  typeof message.user === 'string' &&
  'source' in message &&
  Number.isInteger(message.source) &&
  'at' in message &&
  Number.isFinite(message.at) &&
  'right' in message &&
  typeof message.right === 'boolean';

const KINDS: readonly unknown[] = ['user-and-source', 'source', 'user'] satisfies readonly LockKind[];

const isClearTold = (message: unknown): message is ClearTold => {
  if (typeof message !== 'object' || message === null || !('clear' in message)) return false;
  const { clear } = message;
  if (typeof clear !== 'object' || clear === null) return false;
  const { what, user, source } = Object.fromEntries<unknown>(Object.entries(clear));
  return (
    (what === undefined || KINDS.includes(what)) &&
    (user === undefined || typeof user === 'string') &&
    (source === undefined || Number.isInteger(source))
  );
};
