import { policyLockoutPlugin } from './plugin.ts';

/** Locks out who guesses passwords. */
export { type OffenceLimits, Offenders } from './offenders.ts';
export type { PolicyLockoutOptions } from './options.ts';
export { policyLockoutPlugin } from './plugin.ts';
export { LockoutPolicy } from './policy.ts';
export default policyLockoutPlugin;
