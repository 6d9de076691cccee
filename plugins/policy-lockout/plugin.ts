import { optionsInForce } from '../../core/ports/live-options.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { type PolicyLockoutOptions, settings } from './options.ts';
import { LockoutPolicy } from './policy.ts';

/** Binds the lock against guessing of passwords, and who is locked out. */
export const policyLockoutPlugin = definePlugin<PolicyLockoutOptions>({
  name: 'policy-lockout',
  api: PLUGIN_API,
  settings,
  check: ({ lockSeconds, mostLockSeconds }) =>
    lockSeconds > mostLockSeconds ? ['`lockSeconds` must not be above `mostLockSeconds`'] : [],
  register({ bind }, _options, live) {
    const options = optionsInForce(live);
    bind(LockoutPolicy).toResolvedValue(
      (fleet, log, telemetry, wallClock) => new LockoutPolicy(options, { fleet, log, telemetry, wallClock }),
      [TOKENS.Fleet, TOKENS.Log, TOKENS.Telemetry, TOKENS.WallClock],
    );
    bind(TOKENS.SessionPolicy).toResolvedValue((policy) => policy, [LockoutPolicy]);
    bind(TOKENS.Locks).toResolvedValue((policy) => policy, [LockoutPolicy]);
  },
});
