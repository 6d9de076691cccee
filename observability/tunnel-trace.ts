import { randomBytes } from 'node:crypto';
import type { Tracer } from '@opentelemetry/api';
import {
  type Context,
  isValidTraceId,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { Attributes, PhaseSpan, SetupPhase, TunnelTrace } from '../core/ports/telemetry.ts';
import type { Instant } from '../core/time.ts';
import type { UserNames } from './user-names.ts';

type Failure = { readonly error: string; readonly message: string };

export interface TraceSettings {
  readonly tracer: Tracer;
  readonly userNames: UserNames;
  /** The gateway's clock, on which phases say when they began. */
  readonly now: () => Instant;
}

/** Instants are monotonic; spans want the time of day. */
const startTime = (since: Instant | undefined, now: () => Instant): { startTime?: number } =>
  since === undefined ? {} : { startTime: Date.now() - Math.max(0, now() - since) };

/** One span, ended once; a failure sets status and error.type. */
class EndOnceSpan implements PhaseSpan {
  readonly #span: Span;
  readonly #userNames: UserNames;
  #ended = false;

  constructor(span: Span, userNames: UserNames) {
    this.#span = span;
    this.#userNames = userNames;
  }

  get ended(): boolean {
    return this.#ended;
  }

  attributes(attributes: Attributes): void {
    if (!this.#ended) this.#span.setAttributes(hideUser(attributes, this.#userNames));
  }

  end(failure?: Failure): void {
    if (this.#ended) return;
    this.#ended = true;
    if (failure !== undefined) {
      this.#span.setAttribute('error.type', failure.error);
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: failure.message });
    }
    this.#span.end();
  }
}

/** `user.name` becomes `user.hash` or nothing, as telemetry.userNames says. */
const hideUser = (attributes: Attributes, userNames: UserNames): Attributes => {
  const { 'user.name': name, ...others } = attributes;
  if (name === undefined) return attributes;
  const shown = userNames.show(String(name));
  if (shown === undefined) return others;
  return { ...others, [userNames.mode === 'hash' ? 'user.hash' : 'user.name']: shown };
};

/** The trace of a tunnel's set-up: a root span `pptp.tunnel.setup` with a child `pptp.setup.<phase>` per phase. */
export class SpanTrace implements TunnelTrace {
  readonly traceId: string;
  readonly #settings: TraceSettings;
  readonly #context: Context;
  readonly #root: EndOnceSpan;
  /** Few at a time: CCP and IPCP may overlap, no more. */
  #open: EndOnceSpan[] = [];

  constructor(settings: TraceSettings, attributes: Attributes, since?: Instant) {
    const { tracer, userNames, now } = settings;
    const options = { kind: SpanKind.SERVER, attributes: hideUser(attributes, userNames), ...startTime(since, now) };
    const span = tracer.startSpan('pptp.tunnel.setup', options, ROOT_CONTEXT);
    const { traceId } = span.spanContext();
    // Without an SDK the id is all zeros; log lines of one set-up shall still have one in common.
    this.traceId = isValidTraceId(traceId) ? traceId : randomBytes(16).toString('hex');
    this.#settings = settings;
    this.#context = trace.setSpan(ROOT_CONTEXT, span);
    this.#root = new EndOnceSpan(span, userNames);
  }

  phase(name: SetupPhase, attributes: Attributes = {}, since?: Instant): PhaseSpan {
    const { tracer, userNames, now } = this.#settings;
    const options = { attributes: hideUser(attributes, userNames), ...startTime(since, now) };
    const span = new EndOnceSpan(tracer.startSpan(`pptp.setup.${name}`, options, this.#context), userNames);
    this.#open = [...this.#open.filter((other) => !other.ended), span];
    return span;
  }

  attributes(attributes: Attributes): void {
    this.#root.attributes(attributes);
  }

  /** Ends the phases still open as well, with the same failure. */
  end(failure?: Failure): void {
    for (const phase of this.#open) phase.end(failure);
    this.#open = [];
    this.#root.end(failure);
  }
}
