import { optionsInForce } from '../../core/ports/live-options.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { type PolicySessionsOptions, settings } from './options.ts';
import { SessionsPolicy } from './policy.ts';

/** Binds the limit of sessions per user. */
export const policySessionsPlugin = definePlugin<PolicySessionsOptions>({
  name: 'policy-sessions',
  api: PLUGIN_API,
  settings,
  register({ bind }, _options, live) {
    const options = optionsInForce(live);
    bind(SessionsPolicy).toResolvedValue(
      (sessions, log) => new SessionsPolicy(options, sessions, log),
      [TOKENS.Sessions, TOKENS.Log],
    );
    bind(TOKENS.SessionPolicy).toResolvedValue((policy) => policy, [SessionsPolicy]);
    bind(TOKENS.SessionListener).toResolvedValue((policy) => policy, [SessionsPolicy]);
  },
});
