import { policyProfilePlugin } from './plugin.ts';

/** What users get: addresses, routes, rates, quotas, times. */
export { UsageLedger, type Used } from './ledger.ts';
export { type PolicyProfileOptions, policyProfilePlugin } from './plugin.ts';
export { ProfileAddresses, ProfilePolicy } from './policy.ts';
export { type FileProfile, type PeriodQuotas, type Profiles, readProfiles } from './profiles.ts';
export default policyProfilePlugin;
