import { isSpanContextValid, trace } from '@opentelemetry/api';
import { destination, type Logger, pino, stdTimeFunctions } from 'pino';
import type { Log, LogFields } from '../core/ports/log.ts';
import { type LogLevel, LogLevels } from './log-levels.ts';
import { prettyLine } from './pretty.ts';
import { scrubFields } from './scrub.ts';
import { createUserNames, type UserNames } from './user-names.ts';

export interface LineSink {
  write(line: string): void;
}

export interface LoggerOptions {
  /** The level, or what changes it while the process runs. */
  readonly level: LogLevel | LogLevels;
  readonly format: 'auto' | 'json' | 'pretty';
  /** How the field `user` is written; plain if left out. */
  readonly userNames?: UserNames;
  /** Index of this worker process, on every line; left out where there is one process, and in the supervisor. */
  readonly worker?: number | undefined;
  /** Gets each line as well, always as JSON. */
  readonly copy?: LineSink | undefined;
  /** Where lines go instead of standard output. */
  readonly sink?: LineSink;
  /** Whether the sink is a terminal; asked of standard output if left out. */
  readonly terminal?: boolean;
}

const traceIds = (): object => {
  const context = trace.getActiveSpan()?.spanContext();
  if (context === undefined || !isSpanContextValid(context)) return {};
  return { trace_id: context.traceId, span_id: context.spanId };
};

const openSink = ({ format, sink, terminal = process.stdout.isTTY === true }: LoggerOptions): LineSink => {
  // Synchronous: the last lines before a crash are the ones that matter.
  const out = sink ?? destination({ dest: 1, sync: true });
  if (format === 'json' || (format === 'auto' && !terminal)) return out;
  const colour = terminal && process.env['NO_COLOR'] === undefined;
  return { write: (line) => void out.write(prettyLine(line, colour)) };
};

const both = (sink: LineSink, copy: LineSink | undefined): LineSink => {
  if (copy === undefined) return sink;
  return {
    write: (line) => {
      sink.write(line);
      copy.write(line);
    },
  };
};

class PinoLog implements Log {
  readonly #pino: Logger;
  readonly #userNames: UserNames;
  readonly #levels: LogLevels;

  constructor(logger: Logger, userNames: UserNames, levels: LogLevels) {
    this.#pino = logger;
    this.#userNames = userNames;
    this.#levels = levels;
  }

  #write(level: LogLevel, event: string, message: string, fields: LogFields = {}): void {
    if (!this.#levels.isEnabled(level)) return;
    this.#pino[level]({ event, ...scrubFields(fields, this.#userNames) }, message);
  }

  debug(event: string, message: string, fields?: LogFields): void {
    this.#write('debug', event, message, fields);
  }

  info(event: string, message: string, fields?: LogFields): void {
    this.#write('info', event, message, fields);
  }

  warn(event: string, message: string, fields?: LogFields): void {
    this.#write('warn', event, message, fields);
  }

  error(event: string, message: string, fields?: LogFields): void {
    this.#write('error', event, message, fields);
  }

  child(fields: LogFields): Log {
    return new PinoLog(this.#pino.child(scrubFields(fields, this.#userNames)), this.#userNames, this.#levels);
  }
}

/**
 * The gateway's log: one line per entry with `level`, `time` (ISO 8601), `event`, `msg` and the fields, to standard
 * output. Lines written inside an active span carry `trace_id` and `span_id`.
 */
export const createLog = (options: LoggerOptions): Log => {
  const levels = options.level instanceof LogLevels ? options.level : new LogLevels(options.level);
  const settings = {
    // A child of pino keeps the level it was made with, so the choice is made before pino.
    level: 'debug',
    base: options.worker === undefined ? null : { worker: options.worker },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    mixin: traceIds,
  };
  return new PinoLog(
    pino(settings, both(openSink(options), options.copy)),
    options.userNames ?? createUserNames('plain'),
    levels,
  );
};
