import { type Context, isValidSpanId, isValidTraceId, ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api';
import { type AnyValueMap, type Logger, logs, SeverityNumber } from '@opentelemetry/api-logs';
import type { LineSink } from './logger.ts';
import { type SdkEnvironment, wantsLogs } from './sdk.ts';

const SEVERITY: Readonly<Record<string, SeverityNumber>> = {
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
};
/** Lines kept until the SDK is there; the gateway writes a handful before. */
const MOST_EARLY = 200;

/**
 * Hands the lines of the log to OpenTelemetry as well. They come here when they are already fit to leave the process:
 * secrets masked, user names as configured.
 */
export class LogBridge implements LineSink {
  #early: string[] = [];
  #logger: Logger | undefined;

  write(line: string): void {
    if (this.#logger !== undefined) emit(this.#logger, line);
    else if (this.#early.length < MOST_EARLY) this.#early.push(line);
  }

  /** The SDK has started: what was written so far goes out, and everything that follows. */
  open(logger: Logger = logs.getLogger('pptp-gateway')): void {
    this.#logger = logger;
    for (const line of this.#early) emit(logger, line);
    this.#early = [];
  }
}

/** A bridge where the environment asks OpenTelemetry to take the log. */
export const logBridge = (env: SdkEnvironment = process.env): LogBridge | undefined =>
  wantsLogs(env) ? new LogBridge() : undefined;

const emit = (logger: Logger, line: string): void => {
  const entry: AnyValueMap = JSON.parse(line);
  const { level, time, event, msg, trace_id: traceId, span_id: spanId, ...attributes } = entry;
  const context = contextOf(String(traceId), String(spanId));
  logger.emit({
    timestamp: new Date(String(time)),
    severityNumber: SEVERITY[String(level)] ?? SeverityNumber.UNSPECIFIED,
    severityText: String(level),
    eventName: String(event),
    body: String(msg),
    // A trace that is not exported has no span to point at; its id still ties the lines together.
    attributes: context === ROOT_CONTEXT && traceId !== undefined ? { ...attributes, trace_id: traceId } : attributes,
    context,
  });
};

const contextOf = (traceId: string, spanId: string): Context =>
  isValidTraceId(traceId) && isValidSpanId(spanId)
    ? trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED })
    : ROOT_CONTEXT;
