import { randomFillSync } from 'node:crypto';
import type { Tracer } from '@opentelemetry/api';
import {
  type Context,
  INVALID_SPAN_CONTEXT,
  isValidTraceId,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import {
  type Attributes,
  type LaterSpan,
  type PhaseSpan,
  SETUP_PHASES,
  type SetupPhase,
  type SetupStep,
  type SpanFailure,
  type SpanReference,
  type TunnelRole,
  type TunnelTrace,
} from '../core/ports/telemetry.ts';
import { type Instant, instant } from '../core/time.ts';
import { IDENTITY_ATTRIBUTES } from './span-names.ts';
import { createUserNames, type UserNames } from './user-names.ts';

export interface TraceSettings {
  readonly tracer: Tracer;
  readonly userNames: UserNames;
  /** The gateway's clock, on which phases say when they began. */
  readonly now: () => Instant;
}

/**
 * Instants are monotonic, spans want the time of day. The difference is taken once for each trace, so that its spans
 * stand to each other as they did on the gateway's clock whatever becomes of the host's.
 */
class SpanTimes {
  readonly #now: () => Instant;
  readonly #offset: number;

  constructor(now: () => Instant) {
    this.#now = now;
    this.#offset = Date.now() - now();
  }

  at(time: Instant = this.#now()): number {
    return this.#offset + Math.min(time, this.#now());
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

const PHASES: ReadonlySet<string> = new Set(SETUP_PHASES);
/** The phases of a new negotiation have a name of their own: their times are not those of a set-up. */
const stepName = (name: SetupStep | SetupPhase): string =>
  PHASES.has(name) ? `pptp.renegotiation.${name}` : `pptp.${name}`;

const TRACE_ID_OCTETS = 16;
/** Random octets for many ids at a time: each question to the system costs microseconds. */
const stock = Buffer.alloc(64 * TRACE_ID_OCTETS);
let used = stock.length;
const randomTraceId = (): string => {
  if (used === stock.length) {
    randomFillSync(stock);
    used = 0;
  }
  used += TRACE_ID_OCTETS;
  return stock.toString('hex', used - TRACE_ID_OCTETS, used);
};

/** One span, ended once; a failure sets status and error.type. A span that nobody records costs next to nothing. */
class EndOnceSpan implements PhaseSpan {
  #span: Span;
  readonly #settings: TraceSettings;
  readonly #times: SpanTimes;
  /** Made for the first child. */
  #context: Context | undefined;
  #open: EndOnceSpan[] = [];
  #ended = false;
  readonly #recording: boolean;

  constructor(span: Span, settings: TraceSettings, times: SpanTimes) {
    this.#span = span;
    this.#recording = span.isRecording();
    this.#settings = settings;
    this.#times = times;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get reference(): SpanReference {
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    return { traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 };
  }

  get link(): Link {
    return { context: this.#span.spanContext() };
  }

  attributes(attributes: Attributes): void {
    if (this.#recording && !this.#ended) this.#span.setAttributes(hideUser(attributes, this.#settings.userNames));
  }

  event(name: string, attributes: Attributes = {}, at?: Instant): void {
    if (!this.#recording || this.#ended) return;
    this.#span.addEvent(name, hideUser(attributes, this.#settings.userNames), this.#times.at(at));
  }

  step(name: SetupStep | SetupPhase, attributes?: Attributes, since?: Instant): PhaseSpan {
    return this.child(stepName(name), attributes, since);
  }

  /** What is below a span that is not recorded is not either, and says nothing of its own: one span stands for all. */
  child(name: string, attributes: Attributes = {}, since?: Instant): EndOnceSpan {
    if (!this.#recording) return UNRECORDED;
    const { tracer, userNames } = this.#settings;
    const options = { attributes: hideUser(attributes, userNames), startTime: this.#times.at(since) };
    this.#context ??= trace.setSpan(ROOT_CONTEXT, this.#span);
    const child = new EndOnceSpan(tracer.startSpan(name, options, this.#context), this.#settings, this.#times);
    this.#open = [...this.#open.filter(({ ended }) => !ended), child];
    return child;
  }

  end(failure?: SpanFailure): void {
    if (this.#ended) return;
    this.endChildren(failure);
    this.close(failure);
  }

  endChildren(failure?: SpanFailure): void {
    for (const child of this.#open) child.end(failure);
    this.#open = [];
  }

  close(failure?: SpanFailure): void {
    if (this.#ended) return;
    this.#ended = true;
    if (failure !== undefined) {
      this.#span.setAttribute('error.type', failure.error);
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: failure.message });
    }
    this.#span.end(this.#times.at());
    // Its ids are all that is wanted from now on: the root lives as long as the tunnel, its events need not.
    this.#span = trace.wrapSpanContext(this.#span.spanContext());
    this.#context = undefined;
    this.#open = [];
  }
}

const NOBODY: TraceSettings = {
  tracer: trace.getTracer('unrecorded'),
  userNames: createUserNames('off'),
  now: () => instant(0),
};
const UNRECORDED = new EndOnceSpan(trace.wrapSpanContext(INVALID_SPAN_CONTEXT), NOBODY, new SpanTimes(NOBODY.now));

/** The trace of a tunnel's set-up: a root span `pptp.tunnel.setup` with a child `pptp.setup.<phase>` per phase. */
export class SpanTrace implements TunnelTrace {
  readonly traceId: string;
  readonly root: SpanReference;
  readonly #settings: TraceSettings;
  readonly #root: EndOnceSpan;
  /** What spans of later life repeat of the root. */
  #identity: Attributes;

  /** `earlier`: the root that ended in a process before this one; nothing is exported of it again. */
  constructor(
    settings: TraceSettings,
    attributes: Attributes,
    since?: Instant,
    role: TunnelRole = 'server',
    earlier?: SpanReference,
  ) {
    const { tracer, userNames, now } = settings;
    const times = new SpanTimes(now);
    this.#settings = settings;
    this.#identity = identityOf(attributes);
    if (earlier !== undefined) {
      const { traceId, spanId, sampled } = earlier;
      const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
      const root = trace.wrapSpanContext({ traceId, spanId, traceFlags, isRemote: true });
      this.#root = new EndOnceSpan(root, settings, times);
      this.root = earlier;
      this.traceId = traceId;
      return;
    }
    const kind = role === 'client' ? SpanKind.CLIENT : SpanKind.SERVER;
    const options = { kind, attributes: hideUser(attributes, userNames), startTime: times.at(since) };
    this.#root = new EndOnceSpan(tracer.startSpan('pptp.tunnel.setup', options, ROOT_CONTEXT), settings, times);
    this.root = this.#root.reference;
    const { traceId } = this.root;
    // Without an SDK the id is all zeros; log lines of one set-up shall still have one in common.
    this.traceId = isValidTraceId(traceId) ? traceId : randomTraceId();
  }

  phase(name: SetupPhase, attributes?: Attributes, since?: Instant): PhaseSpan {
    return this.#root.child(`pptp.setup.${name}`, attributes, since);
  }

  attributes(attributes: Attributes): void {
    this.#identity = { ...this.#identity, ...identityOf(attributes) };
    this.#root.attributes(attributes);
  }

  event(name: string, attributes?: Attributes, at?: Instant): void {
    this.#root.event(name, attributes, at);
  }

  end(failure?: SpanFailure): void {
    if (failure !== undefined) this.#root.endChildren(failure);
    this.#root.close(failure);
  }

  later(name: LaterSpan, attributes: Attributes = {}, since?: Instant): PhaseSpan {
    const { tracer, userNames, now } = this.#settings;
    const times = new SpanTimes(now);
    const options = {
      attributes: hideUser({ ...this.#identity, ...attributes }, userNames),
      links: [this.#root.link],
      startTime: times.at(since),
    };
    return new EndOnceSpan(tracer.startSpan(`pptp.tunnel.${name}`, options, ROOT_CONTEXT), this.#settings, times);
  }
}

const identityOf = (attributes: Attributes): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => IDENTITY_ATTRIBUTES.has(name)));
