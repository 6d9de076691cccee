import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { Authenticator, AuthKind, BackEndAnswer } from '../../core/ports/auth.ts';
import type { Lifecycle } from '../../core/ports/lifecycle.ts';
import type { AdmissionRequest, PolicyAnswer, SessionPolicy } from '../../core/ports/policy.ts';
import { ofUser } from '../policy-kit/names.ts';
import type { WatchedFile } from '../policy-kit/watched-file.ts';
import type { Profiles } from './profiles.ts';

/** What users get, from a file: its entry of a user goes before what the back-end says, and that before `everyone`. */
export class ProfilePolicy implements SessionPolicy, Lifecycle {
  readonly name = 'policy-profile';
  private readonly file: WatchedFile<Profiles>;

  constructor(file: WatchedFile<Profiles>) {
    this.file = file;
  }

  /** Rejects with CONFIG_FILE when the profiles cannot be used. */
  async start(): Promise<void> {
    await this.file.load();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  async admit({ identity, profile }: AdmissionRequest): Promise<PolicyAnswer> {
    const { everyone, users } = await this.file.current();
    return { admit: true, profile: { ...everyone, ...profile, ...ofUser(users, identity) } };
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
