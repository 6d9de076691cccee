import type { Log } from '../../../core/ports/log.ts';

const MOST = 256;

/** What concerns every session of a user, or every user: one line for each key in the life of the process. */
export class OnceLog {
  private readonly log: Log;
  private readonly seen = new Set<string>();

  constructor(log: Log) {
    this.log = log;
  }

  warn(key: string, event: string, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (this.isNew(key)) this.log.warn(event, message, fields);
  }

  info(key: string, event: string, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (this.isNew(key)) this.log.info(event, message, fields);
  }

  private isNew(key: string): boolean {
    if (this.seen.has(key) || this.seen.size >= MOST) return false;
    this.seen.add(key);
    return true;
  }
}
