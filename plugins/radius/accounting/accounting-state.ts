import { aCount, aRecord, aText, oneOfState, type StateOf, someOf } from '../../../core/bytes/state.ts';

const MOST = Number.MAX_SAFE_INTEGER;

/** What one process leaves for the next beside the file: how to go on with what is in it. */
const readState = aRecord({
  version: oneOfState(1),
  /** Where the file is. */
  folder: aText(4096),
  /** How much the file holds. */
  records: aCount(0, MOST),
  open: aCount(0, MOST),
  /** Accounting-On was delivered or given up, is the record in the file, or is another worker's. */
  gate: oneOfState('open', 'on', 'shut'),
  /** Sessions whose records wait for it. */
  held: someOf(aText(64), 1_000_000),
});
export type AccountingState = StateOf<typeof readState>;

/** Undefined: it is none, or of another version. */
export const readAccountingState = (value: unknown): AccountingState | undefined => readState(value)?.value;
