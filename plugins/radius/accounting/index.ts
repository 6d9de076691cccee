/** RADIUS accounting: records, the spool that keeps them, and their delivery. */
export { Accounting, type AccountingDeps, type AccountingOptions } from './accounting.ts';
export { ProvenByRadius } from './proven-by-radius.ts';
export { factAttributes } from './session-attributes.ts';
export { type AccountingSettings, accountingSettings } from './settings.ts';
