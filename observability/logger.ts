import { isSpanContextValid, trace } from '@opentelemetry/api';
import { destination, type Logger, pino, stdTimeFunctions } from 'pino';
import { type Log, LogByLevel, type LogFields } from '../core/ports/log.ts';
import { flushLines, LineBuffer, type LineSink } from './line-buffer.ts';
import { type LogLevel, LogLevels } from './log-levels.ts';
import { prettyLine } from './pretty.ts';
import { scrubFields } from './scrub.ts';
import { createUserNames, type UserNames } from './user-names.ts';

export type { LineSink };

export interface LoggerOptions {
  /** The level, or what changes it while the process runs. */
  readonly level: LogLevel | LogLevels;
  readonly format: 'auto' | 'json' | 'pretty';
  /** How the field `user` is written; plain if left out. */
  readonly userNames?: UserNames;
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

/** Octets kept while standard output takes none, as a file on a full disk; lines that come when they are used up are lost. */
const MOST_KEPT = 1024 * 1024;

/** Synchronous: the last lines before a crash are the ones that matter. */
const standardOutput = (): LineSink => {
  const out = destination({ dest: 1, sync: true, maxLength: MOST_KEPT });
  // No tunnel ends for want of a place to write to; what is kept goes out with the first line that can be written again.
  out.on('error', () => undefined);
  return out;
};

const openSink = ({ format, sink, terminal = process.stdout.isTTY === true }: LoggerOptions): LineSink => {
  const out = sink ?? new LineBuffer(standardOutput());
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

/** What all children of one log share. */
interface Shared {
  readonly pino: Logger;
  readonly userNames: UserNames;
  readonly levels: LogLevels;
}

class PinoLog extends LogByLevel {
  readonly #shared: Shared;
  /** Fields of every line; there is a child for each tunnel, and a child of pino would be some KiB. */
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(shared: Shared, fields: Readonly<Record<string, unknown>> = {}) {
    super();
    this.#shared = shared;
    this.#fields = fields;
  }

  protected override write(level: LogLevel, event: string, message: string, fields: LogFields = {}): void {
    const { pino: out, userNames, levels } = this.#shared;
    if (!levels.isEnabled(level)) return;
    out[level]({ ...this.#fields, event, ...scrubFields(fields, userNames) }, message);
    // What follows an error is often the end.
    if (level === 'error') flushLines();
  }

  child(fields: LogFields): Log {
    return new PinoLog(this.#shared, { ...this.#fields, ...scrubFields(fields, this.#shared.userNames) });
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
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    mixin: traceIds,
  };
  return new PinoLog({
    pino: pino(settings, both(openSink(options), options.copy)),
    userNames: options.userNames ?? createUserNames('plain'),
    levels,
  });
};
