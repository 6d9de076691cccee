import type { Log, LogFields } from '../../../core/ports/log.ts';

const line = (level: string) => (event: string, message: string, fields?: LogFields) =>
  console.error(`${level} ${event}: ${message}`, fields ?? '');

/** Warnings and errors, for processes that a benchmark starts. */
export const stderrLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: line('warn'),
  error: line('error'),
  child: () => stderrLog,
};
