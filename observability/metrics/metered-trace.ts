import {
  type Attributes,
  type LaterSpan,
  type PhaseSpan,
  SETUP_PHASES,
  type SetupPhase,
  type SetupStep,
  type SpanFailure,
  type SpanReference,
  type TunnelTrace,
} from '../../core/ports/telemetry.ts';
import type { Instant } from '../../core/time.ts';
import type { Funnel } from '../funnel.ts';
import type { MetricAttributes } from './readings.ts';
import type { HistogramSink } from './recorder.ts';

export interface SetupMeters {
  readonly durations: HistogramSink;
  now(): Instant;
  failed(phase: SetupPhase | 'none', error: string): void;
  /** Undefined: this is no set-up of a client's tunnel. */
  readonly funnel?: Funnel | undefined;
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
  /** Phases that were reached, for the funnel, as bits in the order of `SETUP_PHASES`, and what failed in them. */
  #reached = 0;
  #furthest: SetupPhase = 'control';
  #failures: { readonly phase: SetupPhase; readonly error: string }[] | undefined;

  constructor(trace: TunnelTrace, meters: SetupMeters, since: Instant = meters.now()) {
    this.traceId = trace.traceId;
    this.root = trace.root;
    this.#trace = trace;
    this.#meters = meters;
    this.#began = since;
  }

  phase(name: SetupPhase, attributes?: Attributes, since?: Instant): PhaseSpan {
    const began = since ?? this.#meters.now();
    this.#reach(name);
    const phase: MeteredPhase = new MeteredPhase(this.#trace.phase(name, attributes, since), (failure) => {
      if (this.#open?.delete(phase) !== true) return;
      if (this.#open.size === 0) this.#open = undefined;
      if (failure !== undefined) {
        this.#firstFailure ??= { phase: name, error: failure.error };
        if (!this.#ended) this.#failures = [...(this.#failures ?? []), { phase: name, error: failure.error }].slice(-8);
      }
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
    this.#tellFunnel(failure);
    const attributes = { outcome: outcomeOf(failure), method: this.#method };
    this.#meters.durations.record('pptp.tunnel.setup.duration', this.#since(this.#began), attributes, this.root);
    if (failure === undefined) return;
    const { phase, error } = this.#firstFailure ?? { phase: 'none', error: failure.error };
    this.#meters.failed(phase, error);
  }

  later(name: LaterSpan, attributes?: Attributes, since?: Instant): PhaseSpan {
    return this.#trace.later(name, attributes, since);
  }

  #reach(phase: SetupPhase): void {
    const bit = 1 << SETUP_PHASES.indexOf(phase);
    // What is negotiated later is no part of the set-up.
    if (this.#ended || (this.#reached & bit) !== 0) return;
    this.#reached |= bit;
    this.#furthest = phase;
    this.#meters.funnel?.reached(phase);
  }

  /** In the phase that failed for the reason of the whole; phases that a set-up goes on without fail for others. */
  #tellFunnel(failure: SpanFailure | undefined): void {
    const { funnel } = this.#meters;
    if (failure === undefined) funnel?.up();
    else {
      const where = this.#failures?.find(({ error }) => error === failure.error)?.phase;
      funnel?.failed(where ?? this.#furthest, failure.error);
    }
    this.#failures = undefined;
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
