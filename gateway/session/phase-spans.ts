import type { PppSummary } from '../../core/machine/ppp-summary.ts';
import type { Direction } from '../../core/outcome.ts';
import type { Attributes, PhaseSpan, SetupPhase, SpanFailure } from '../../core/ports/telemetry.ts';
import { AuthRounds, packetAttributes } from './auth-rounds.ts';
import type { SpanBudget } from './span-budget.ts';

/** Makes the span of a phase: a trace does. */
export interface PhaseStarter {
  phase(phase: SetupPhase, attributes: Attributes): PhaseSpan;
}

/** The phases of one negotiation that are under way, each a span. */
export class PhaseSpans {
  /** Undefined when none is: a map takes some 200 octets, and a tunnel has it for good. */
  private open: Map<SetupPhase, PhaseSpan> | undefined;
  private readonly starter: PhaseStarter;
  private readonly budget: SpanBudget;
  private rounds: AuthRounds | undefined;

  constructor(starter: PhaseStarter, budget: SpanBudget) {
    this.starter = starter;
    this.budget = budget;
  }

  get isIdle(): boolean {
    return this.open === undefined;
  }

  /** While authentication is under way. */
  get auth(): AuthRounds | undefined {
    return this.rounds;
  }

  has(phase: SetupPhase): boolean {
    return this.open?.has(phase) === true;
  }

  /** `method`: what LCP agreed on, for the phase `auth`. */
  begin(phase: SetupPhase, method?: string): void {
    this.end(phase);
    const named = phase === 'auth' && method !== undefined;
    const span = this.budget.spend(() => this.starter.phase(phase, named ? { 'ppp.auth.protocol': method } : {}));
    this.open ??= new Map();
    this.open.set(phase, span);
    if (phase === 'auth') this.rounds = new AuthRounds(span, this.budget, method);
  }

  attributes(phase: SetupPhase, attributes: Attributes): void {
    this.open?.get(phase)?.attributes(attributes);
  }

  /** False: no phase that the packet belongs to is under way. */
  packet(direction: Direction, summary: PppSummary): boolean {
    const span = this.open?.get(summary.layer);
    if (span === undefined) return false;
    if (summary.layer === 'auth') this.rounds?.packet(direction, summary);
    else span.event(summary.name, packetAttributes(direction, summary));
    return true;
  }

  end(phase: SetupPhase, failure?: SpanFailure): void {
    if (phase === 'auth') {
      this.rounds?.end(failure);
      this.rounds = undefined;
    }
    this.open?.get(phase)?.end(failure);
    this.open?.delete(phase);
    if (this.open?.size === 0) this.open = undefined;
  }

  endAll(failure?: SpanFailure): void {
    for (const phase of [...(this.open?.keys() ?? [])]) this.end(phase, failure);
  }
}
