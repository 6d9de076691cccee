import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import * as kinds from '../../core/ports/setting-kinds.ts';
import { TOKENS } from '../../core/tokens.ts';
import { WatchedFile } from '../policy-kit/watched-file.ts';
import { AccessPolicy } from './policy.ts';
import { readRules } from './rules.ts';

export interface PolicyAccessOptions {
  /** Path of the rules. */
  readonly file: string;
}

/** Binds the rules about where, when and how users may log in. */
export const policyAccessPlugin = definePlugin<PolicyAccessOptions>({
  name: 'policy-access',
  api: PLUGIN_API,
  settings: {
    file: { kind: kinds.absolutePath, doc: 'YAML or JSON file with the rules; one that has changed is read again.' },
  },
  register({ bind }, { file: path }) {
    bind(AccessPolicy).toResolvedValue(
      (sessions, log, clock) =>
        new AccessPolicy(new WatchedFile({ name: 'policy-access', path, read: readRules, log, clock }), sessions),
      [TOKENS.Sessions, TOKENS.Log, TOKENS.Clock],
    );
    bind(TOKENS.SessionPolicy).toResolvedValue((policy) => policy, [AccessPolicy]);
    bind(TOKENS.SessionListener).toResolvedValue((policy) => policy, [AccessPolicy]);
    bind(TOKENS.Lifecycle).toResolvedValue((policy) => policy, [AccessPolicy]);
  },
});
