import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import * as kinds from '../../core/ports/setting-kinds.ts';
import { TOKENS } from '../../core/tokens.ts';
import { WatchedFile } from '../policy-kit/watched-file.ts';
import { ProfilePolicy } from './policy.ts';
import { readProfiles } from './profiles.ts';

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
    bind(ProfilePolicy).toResolvedValue(
      (log, clock) =>
        new ProfilePolicy(new WatchedFile({ name: 'policy-profile', path, read: readProfiles, log, clock })),
      [TOKENS.Log, TOKENS.Clock],
    );
    bind(TOKENS.SessionPolicy).toResolvedValue((policy) => policy, [ProfilePolicy]);
    bind(TOKENS.Lifecycle).toResolvedValue((policy) => policy, [ProfilePolicy]);
  },
});
