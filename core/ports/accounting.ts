import type { SessionEnding, SessionFacts, SessionUsage } from './session-facts.ts';

export interface AccountingRecord {
  readonly facts: SessionFacts;
  /** When this record was made, in ms since 1970. */
  readonly at: number;
  /** How long the session's network has been up, in seconds, rounded down. */
  readonly seconds: number;
  readonly usage: SessionUsage;
}

/**
 * Takes accounting records. For each session `start` comes when its network is first up, `interim` every
 * `interimSeconds` of its profile (else of PPTP_ACCOUNTING_INTERIM), `stop` at its end, always and last. A sink takes a
 * record and returns at once: to queue it, keep it and deliver it is its own affair. One that throws is logged and
 * counted.
 */
export interface AccountingSink {
  readonly name: string;
  start(record: AccountingRecord): void;
  interim(record: AccountingRecord): void;
  stop(record: AccountingRecord, ending: SessionEnding): void;
}
