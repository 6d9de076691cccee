import type { Log, LogFields } from '../../core/ports/log.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly event: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** The Log port in memory. */
export class MemoryLog implements Log {
  readonly lines: LogLine[];
  private readonly own: LogFields;

  constructor(lines: LogLine[] = [], own: LogFields = {}) {
    this.lines = lines;
    this.own = own;
  }

  debug(event: string, message: string, fields: LogFields = {}): void {
    this.keep('debug', event, message, fields);
  }
  info(event: string, message: string, fields: LogFields = {}): void {
    this.keep('info', event, message, fields);
  }
  warn(event: string, message: string, fields: LogFields = {}): void {
    this.keep('warn', event, message, fields);
  }
  error(event: string, message: string, fields: LogFields = {}): void {
    this.keep('error', event, message, fields);
  }
  child(fields: LogFields): Log {
    return new MemoryLog(this.lines, { ...this.own, ...fields });
  }

  events(level: LogLine['level']): readonly string[] {
    return this.lines.filter((line) => line.level === level).map((line) => line.event);
  }

  private keep(level: LogLine['level'], event: string, message: string, fields: LogFields): void {
    this.lines.push({ level, event, message, fields: { ...this.own, ...fields } });
  }
}
