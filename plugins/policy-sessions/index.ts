import { policySessionsPlugin } from './plugin.ts';

/** How many sessions a user may have at a time. */
export type { PolicySessionsOptions } from './options.ts';
export { policySessionsPlugin } from './plugin.ts';
export { SessionsPolicy } from './policy.ts';
export default policySessionsPlugin;
