/** `fail`: calls will not work until it is put right. `warn`: they may work, or some will not. */
export type Severity = 'ok' | 'warn' | 'fail';

/** One thing the doctor has looked at. */
export interface Finding {
  /** Stable name of the check: `firewall`, `control-port`, ... */
  readonly check: string;
  readonly severity: Severity;
  /** One sentence: how it is. */
  readonly message: string;
  /** One sentence: what to do; only where there is something to do. */
  readonly advice?: string;
}

/** The findings of one check. */
export interface Reporter {
  ok(message: string): Finding;
  warn(message: string, advice: string): Finding;
  fail(message: string, advice: string): Finding;
}

export const reporter = (check: string): Reporter => ({
  ok: (message) => ({ check, severity: 'ok', message }),
  warn: (message, advice) => ({ check, severity: 'warn', message, advice }),
  fail: (message, advice) => ({ check, severity: 'fail', message, advice }),
});

export const hasFailed = (findings: readonly Finding[]): boolean =>
  findings.some(({ severity }) => severity === 'fail');
