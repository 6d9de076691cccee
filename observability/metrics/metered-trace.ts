import type {
  Attributes,
  LaterSpan,
  PhaseSpan,
  SetupPhase,
  SetupStep,
  SpanFailure,
  SpanReference,
  TunnelTrace,
} from '../../core/ports/telemetry.ts';
import type { Instant } from '../../core/time.ts';
import type { MetricAttributes } from './readings.ts';
import type { HistogramSink } from './recorder.ts';

export interface SetupMeters {
  readonly durations: HistogramSink;
  now(): Instant;
  failed(phase: SetupPhase | 'none', error: string): void;
}

interface Took {
  readonly phase: SetupPhase;
  readonly seconds: number;
  readonly outcome: 'ok' | 'failed';
}

/** What the trace is told when authentication has succeeded. */
const METHOD = 'ppp.auth.protocol';

/**
 * The trace of a set-up, with a watch on it: how long it and its phases took, and why it failed. Phases are recorded when
 * the set-up has ended, since only then it is known by which method the peer authenticated.
 */
export class MeteredTrace implements TunnelTrace {
  readonly traceId: string;
  readonly root: SpanReference;
  readonly #trace: TunnelTrace;
  readonly #meters: SetupMeters;
  readonly #began: Instant;
  /** Undefined while there are none, as in nearly all of the life of very many tunnels. */
  #open: Set<MeteredPhase> | undefined;
  #took: Took[] | undefined;
  #firstFailure: { readonly phase: SetupPhase; readonly error: string } | undefined;
  #method = 'none';
  #ended = false;

  constructor(trace: TunnelTrace, meters: SetupMeters, since: Instant = meters.now()) {
    this.traceId = trace.traceId;
    this.root = trace.root;
    this.#trace = trace;
    this.#meters = meters;
    this.#began = since;
  }

  phase(name: SetupPhase, attributes?: Attributes, since?: Instant): PhaseSpan {
    const began = since ?? this.#meters.now();
    const phase: MeteredPhase = new MeteredPhase(this.#trace.phase(name, attributes, since), (failure) => {
      if (this.#open?.delete(phase) !== true) return;
      if (this.#open.size === 0) this.#open = undefined;
      if (failure !== undefined) this.#firstFailure ??= { phase: name, error: failure.error };
      const took = { phase: name, seconds: this.#since(began), outcome: outcomeOf(failure) };
      if (this.#ended) this.#record(took);
      else {
        this.#took ??= [];
        this.#took.push(took);
      }
    });
    this.#open ??= new Set();
    this.#open.add(phase);
    return phase;
  }

  attributes(attributes: Attributes): void {
    const method = attributes[METHOD];
    if (typeof method === 'string') this.#method = method;
    this.#trace.attributes(attributes);
  }

  event(name: string, attributes?: Attributes, at?: Instant): void {
    this.#trace.event(name, attributes, at);
  }

  end(failure?: SpanFailure): void {
    if (this.#ended) {
      this.#trace.end(failure);
      return;
    }
    if (failure !== undefined) for (const phase of [...(this.#open ?? [])]) phase.end(failure);
    this.#ended = true;
    this.#trace.end(failure);
    for (const took of this.#took ?? []) this.#record(took);
    this.#took = undefined;
    const attributes = { outcome: outcomeOf(failure), method: this.#method };
    this.#meters.durations.record('pptp.tunnel.setup.duration', this.#since(this.#began), attributes, this.root);
    if (failure === undefined) return;
    const { phase, error } = this.#firstFailure ?? { phase: 'none', error: failure.error };
    this.#meters.failed(phase, error);
  }

  later(name: LaterSpan, attributes?: Attributes, since?: Instant): PhaseSpan {
    return this.#trace.later(name, attributes, since);
  }

  #record({ phase, seconds, outcome }: Took): void {
    const attributes: MetricAttributes = { phase, outcome, method: this.#method };
    this.#meters.durations.record('pptp.tunnel.setup.phase.duration', seconds, attributes, this.root);
  }

  #since(began: Instant): number {
    return Math.max(0, this.#meters.now() - began) / 1000;
  }
}

const outcomeOf = (failure: SpanFailure | undefined): Took['outcome'] => (failure === undefined ? 'ok' : 'failed');

class MeteredPhase implements PhaseSpan {
  readonly #span: PhaseSpan;
  readonly #ended: (failure: SpanFailure | undefined) => void;

  constructor(span: PhaseSpan, ended: (failure: SpanFailure | undefined) => void) {
    this.#span = span;
    this.#ended = ended;
  }

  attributes(attributes: Attributes): void {
    this.#span.attributes(attributes);
  }

  event(name: string, attributes?: Attributes, at?: Instant): void {
    this.#span.event(name, attributes, at);
  }

  step(name: SetupStep | SetupPhase, attributes?: Attributes, since?: Instant): PhaseSpan {
    return this.#span.step(name, attributes, since);
  }

  end(failure?: SpanFailure): void {
    this.#ended(failure);
    this.#span.end(failure);
  }
}
