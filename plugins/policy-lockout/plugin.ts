import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { type PolicyLockoutOptions, settings } from './options.ts';
import { LockoutPolicy } from './policy.ts';

/** Binds the lock against guessing of passwords. */
export const policyLockoutPlugin = definePlugin<PolicyLockoutOptions>({
  name: 'policy-lockout',
  api: PLUGIN_API,
  settings,
  check: ({ lockSeconds, mostLockSeconds }) =>
    lockSeconds > mostLockSeconds ? ['`lockSeconds` must not be above `mostLockSeconds`'] : [],
  register({ bind }, options) {
    bind(TOKENS.SessionPolicy).toResolvedValue(
      (fleet, log, telemetry) => new LockoutPolicy(options, { fleet, log, telemetry }),
      [TOKENS.Fleet, TOKENS.Log, TOKENS.Telemetry],
    );
  },
});
