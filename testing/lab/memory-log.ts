import { type Log, LogByLevel, type LogFields, type LogLevel } from '../../core/ports/log.ts';

export interface LogLine {
  readonly level: LogLevel;
  readonly event: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** The Log port in memory. */
export class MemoryLog extends LogByLevel {
  readonly lines: LogLine[];
  private readonly own: LogFields;

  constructor(lines: LogLine[] = [], own: LogFields = {}) {
    super();
    this.lines = lines;
    this.own = own;
  }

  child(fields: LogFields): Log {
    return new MemoryLog(this.lines, { ...this.own, ...fields });
  }

  events(level: LogLine['level']): readonly string[] {
    return this.lines.filter((line) => line.level === level).map((line) => line.event);
  }

  protected override write(level: LogLevel, event: string, message: string, fields: LogFields): void {
    this.lines.push({ level, event, message, fields: { ...this.own, ...fields } });
  }
}
