import { policyAccessPlugin } from './plugin.ts';

/** Where, when and how users may log in. */
export { type PolicyAccessOptions, policyAccessPlugin } from './plugin.ts';
export { AccessPolicy } from './policy.ts';
export { type AccessRule, type AccessRules, readRules } from './rules.ts';
export { parseWindow, Timetable, type TimeWindow } from './windows.ts';
export default policyAccessPlugin;
