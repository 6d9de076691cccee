import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { Authenticator, AuthKind, BackEndAnswer } from '../../core/ports/auth.ts';
import type { HandOver } from '../../core/ports/handover.ts';
import type { SessionId } from '../../core/ports/ids.ts';
import type { Lifecycle } from '../../core/ports/lifecycle.ts';
import type { Log } from '../../core/ports/log.ts';
import type { AdmissionRequest, PolicyAnswer, SessionPolicy } from '../../core/ports/policy.ts';
import type { SessionDirectory } from '../../core/ports/session-directory.ts';
import type { SessionEnding, SessionFacts, SessionUsage } from '../../core/ports/session-facts.ts';
import type { SessionListener } from '../../core/ports/session-listener.ts';
import type { WallClock } from '../../core/ports/wall-clock.ts';
import { ofUser } from '../policy-kit/names.ts';
import type { WatchedFile } from '../policy-kit/watched-file.ts';
import type { UsageLedger } from './ledger.ts';
import type { FileProfile, Profiles } from './profiles.ts';

export interface ProfileDeps {
  readonly file: WatchedFile<Profiles>;
  readonly sessions: SessionDirectory;
  readonly wallClock: WallClock;
  readonly log: Log;
  /** Absent: nobody has a quota for a day or a month. */
  readonly ledger: UsageLedger | undefined;
}

/** What users get, from a file: its entry of a user goes before what the back-end says, and that before `everyone`. */
export class ProfilePolicy implements SessionPolicy, SessionListener, Lifecycle {
  readonly name = 'policy-profile';
  readonly handOver: HandOver = {
    release: async () => this.deps.ledger?.release(),
    takeOver: async (state) => this.deps.ledger?.takeOver(state),
  };
  private readonly deps: ProfileDeps;

  constructor(deps: ProfileDeps) {
    this.deps = deps;
  }

  /** Rejects with CONFIG_FILE when the profiles cannot be used, and with STATE_DIR when nothing can be kept. */
  async start(): Promise<void> {
    await this.deps.file.load();
    await this.deps.ledger?.load();
  }

  /** Sessions have ended before; what they have moved is on disk then. */
  async stop(): Promise<void> {
    await this.deps.ledger?.settled();
  }

  async admit({ session, identity, profile, at }: AdmissionRequest): Promise<PolicyAnswer> {
    const { everyone, users } = await this.deps.file.current();
    const all: FileProfile = { ...everyone, ...profile, ...ofUser(users, identity) };
    const { quotaPerDay = Number.POSITIVE_INFINITY, quotaPerMonth = Number.POSITIVE_INFINITY, ...given } = all;
    if (!Number.isFinite(Math.min(quotaPerDay, quotaPerMonth))) return { admit: true, profile: given };
    const left = await this.left(identity, session.id, quotaPerDay, quotaPerMonth, at);
    if (left > 0) return { admit: true, profile: { ...given, quotaOctets: Math.min(left, given.quotaOctets ?? left) } };
    const detail = 'The user has moved as much as it may in this day or month.';
    return { admit: false, denial: 'quota-used-up', detail };
  }

  /** What it moves is written down when it ends. */
  restored(): void {
    // Nothing is to be done.
  }

  down({ identity }: SessionFacts, _ending: SessionEnding, { octetsIn, octetsOut }: SessionUsage): void {
    const { ledger, wallClock, log } = this.deps;
    ledger?.add(identity, octetsIn + octetsOut, wallClock.now()).catch((cause: unknown) => {
      log.error('policy.usage-not-kept', 'What a user has moved cannot be written down.', { error: cause });
    });
  }

  /** What its own session has moved is within the quota of that session. */
  private async left(identity: string, own: SessionId, perDay: number, perMonth: number, at: number): Promise<number> {
    const { ledger, sessions } = this.deps;
    const { day, month } = (await ledger?.used(identity, at)) ?? { day: 0, month: 0 };
    let running = 0;
    for (const { facts, usage } of await sessions.find({ identity })) {
      if (facts.id !== own) running += usage.octetsIn + usage.octetsOut;
    }
    return Math.min(perDay - day, perMonth - month) - running;
  }
}

/** Keeps the fixed addresses of the profiles out of the pool's free choice; it judges no proof. */
export class ProfileAddresses implements Authenticator {
  readonly name = 'policy-profile';
  private readonly file: WatchedFile<Profiles>;
  private of: Profiles | undefined;
  private reserved: ReadonlySet<Ipv4> = new Set();

  constructor(file: WatchedFile<Profiles>) {
    this.file = file;
  }

  supports(): boolean {
    return false;
  }

  reservedAddresses(): ReadonlySet<Ipv4> {
    const { latest } = this.file;
    if (latest !== this.of) {
      this.of = latest;
      const addresses = [...(latest?.users.values() ?? [])].map(({ address }) => address);
      this.reserved = new Set(addresses.filter((address) => address !== undefined));
    }
    return this.reserved;
  }

  verify<K extends AuthKind>(): Promise<BackEndAnswer<K>> {
    return Promise.resolve({ ok: false, denial: 'unknown-user' });
  }
}
