import { policyProfilePlugin } from './plugin.ts';

/** What users get: addresses, routes, rates, quotas, times. */
export { type PolicyProfileOptions, policyProfilePlugin } from './plugin.ts';
export { ProfileAddresses, ProfilePolicy } from './policy.ts';
export { type Profiles, readProfiles } from './profiles.ts';
export default policyProfilePlugin;
