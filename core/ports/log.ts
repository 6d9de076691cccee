export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Structured log lines. `event` is a stable dotted name (`auth.failed`), `message` a sentence for people.
 * Never a secret: no passwords, hashes, challenges, responses or keys in `fields`.
 */
export interface Log {
  debug(event: string, message: string, fields?: LogFields): void;
  info(event: string, message: string, fields?: LogFields): void;
  warn(event: string, message: string, fields?: LogFields): void;
  error(event: string, message: string, fields?: LogFields): void;
  child(fields: LogFields): Log;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** A log whose lines of all levels go one way. */
export abstract class LogByLevel implements Log {
  debug(event: string, message: string, fields?: LogFields): void {
    this.write('debug', event, message, fields);
  }

  info(event: string, message: string, fields?: LogFields): void {
    this.write('info', event, message, fields);
  }

  warn(event: string, message: string, fields?: LogFields): void {
    this.write('warn', event, message, fields);
  }

  error(event: string, message: string, fields?: LogFields): void {
    this.write('error', event, message, fields);
  }

  abstract child(fields: LogFields): Log;
  protected abstract write(level: LogLevel, event: string, message: string, fields: LogFields | undefined): void;
}

const nothing = (): void => undefined;
/** A log that keeps nothing: for tests and for parts used without a gateway. */
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => silentLog };
