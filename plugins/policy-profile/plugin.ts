import type { ServiceIdentifier } from 'inversify';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import * as kinds from '../../core/ports/setting-kinds.ts';
import { TOKENS } from '../../core/tokens.ts';
import { WatchedFile } from '../policy-kit/watched-file.ts';
import { ProfileAddresses, ProfilePolicy } from './policy.ts';
import { type Profiles, readProfiles } from './profiles.ts';

export interface PolicyProfileOptions {
  /** Path of the profiles. */
  readonly file: string;
}

/** Binds profiles of users that are in a file. */
export const policyProfilePlugin = definePlugin<PolicyProfileOptions>({
  name: 'policy-profile',
  api: PLUGIN_API,
  settings: {
    file: { kind: kinds.absolutePath, doc: 'YAML or JSON file with the profiles; one that has changed is read again.' },
  },
  register({ bind }, { file: path }) {
    const file = Symbol('policy-profile file') as ServiceIdentifier<WatchedFile<Profiles>>;
    bind(file).toResolvedValue(
      (log, clock) => new WatchedFile({ name: 'policy-profile', path, read: readProfiles, log, clock }),
      [TOKENS.Log, TOKENS.Clock],
    );
    bind(ProfilePolicy).toResolvedValue((profiles) => new ProfilePolicy(profiles), [file]);
    bind(TOKENS.SessionPolicy).toResolvedValue((policy) => policy, [ProfilePolicy]);
    bind(TOKENS.Lifecycle).toResolvedValue((policy) => policy, [ProfilePolicy]);
    bind(TOKENS.Authenticator).toResolvedValue((profiles) => new ProfileAddresses(profiles), [file]);
  },
});
