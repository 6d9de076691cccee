/** RADIUS accounting: records, the spool that keeps them, and their delivery. */
export { Accounting, type AccountingDeps, type AccountingOptions } from './accounting.ts';
export { factAttributes } from './session-attributes.ts';
