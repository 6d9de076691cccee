import type { Log } from '../core/ports/log.ts';
import type { LogLevels } from '../observability/log-levels.ts';

/** Logs every change of the level, and changes it on SIGUSR2: to `debug`, and back to the configured one. */
export const followLevel = (levels: LogLevels, log: Log): void => {
  levels.onChange(({ from, to, by, seconds }) => {
    const span = seconds === undefined ? '' : ` for ${seconds} s`;
    // A warning, because it must be seen at any level but `error`.
    log.warn('log.level', `the log level is ${to} now${span}; it was ${from}`, { from, to, by, seconds });
  });
  process.on('SIGUSR2', () => levels.toggle('SIGUSR2'));
};
