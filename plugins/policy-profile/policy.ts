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
