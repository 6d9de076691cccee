import type { ServiceIdentifier } from 'inversify';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import * as kinds from '../../core/ports/setting-kinds.ts';
import { TOKENS } from '../../core/tokens.ts';
import type { Say } from '../policy-kit/reading.ts';
import { isTimeZone } from '../policy-kit/time-zone.ts';
import { WatchedFile } from '../policy-kit/watched-file.ts';
import { UsageLedger } from './ledger.ts';
import { ProfileAddresses, ProfilePolicy } from './policy.ts';
import { type Profiles, readProfiles } from './profiles.ts';

export interface PolicyProfileOptions {
  /** Path of the profiles. */
  readonly file: string;
  /** Where what users have moved in this day and month is kept. */
  readonly usageFolder: string | undefined;
  /** In which days begin. */
  readonly timeZone: string;
}

/** Binds profiles of users that are in a file. */
export const policyProfilePlugin = definePlugin<PolicyProfileOptions>({
  name: 'policy-profile',
  api: PLUGIN_API,
  settings: {
    file: { kind: kinds.absolutePath, doc: 'YAML or JSON file with the profiles; one that has changed is read again.' },
    usageFolder: {
      kind: kinds.absolutePath,
      default: undefined,
      doc: 'Folder where what users have moved is kept, for quotas of a day or a month.',
    },
    timeZone: {
      kind: kinds.custom('a time zone such as Europe/Berlin', (value) => (isTimeZone(value) ? value : undefined)),
      default: 'UTC',
      doc: 'Time zone in which days and months begin.',
    },
  },
  register({ bind }, { file: path, usageFolder, timeZone }) {
    const file = Symbol('policy-profile file') as ServiceIdentifier<WatchedFile<Profiles>>;
    const read = (tree: unknown, say: Say): Profiles => readProfiles(tree, say, usageFolder !== undefined);
    bind(file).toResolvedValue(
      (log, clock) => new WatchedFile({ name: 'policy-profile', path, read, log, clock }),
      [TOKENS.Log, TOKENS.Clock],
    );
    bind(ProfilePolicy).toResolvedValue(
      (profiles, sessions, wallClock, log, { index }) =>
        new ProfilePolicy({
          file: profiles,
          sessions,
          wallClock,
          log,
          ledger: usageFolder === undefined ? undefined : new UsageLedger(usageFolder, index, timeZone),
        }),
      [file, TOKENS.Sessions, TOKENS.WallClock, TOKENS.Log, TOKENS.Fleet],
    );
    bind(TOKENS.SessionPolicy).toResolvedValue((policy) => policy, [ProfilePolicy]);
    bind(TOKENS.Lifecycle).toResolvedValue((policy) => policy, [ProfilePolicy]);
    if (usageFolder !== undefined) bind(TOKENS.SessionListener).toResolvedValue((policy) => policy, [ProfilePolicy]);
    bind(TOKENS.Authenticator).toResolvedValue((profiles) => new ProfileAddresses(profiles), [file]);
  },
});
