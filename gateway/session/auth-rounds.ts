import { WHY_REFUSED } from '../../core/machine/ppp-link-auth.ts';
import type { PppSummary } from '../../core/machine/ppp-summary.ts';
import type { Direction } from '../../core/outcome.ts';
import type { AuthDenial } from '../../core/ports/auth.ts';
import type { Attributes, PhaseSpan, SpanFailure } from '../../core/ports/telemetry.ts';
import type { SpanBudget } from './span-budget.ts';

export interface FailedAttempt {
  readonly method: string;
  readonly identity: string;
  readonly denial: AuthDenial;
  readonly retriesLeft: number;
}

export const packetAttributes = (direction: Direction, { identifier, detail }: PppSummary): Attributes => ({
  'network.io.direction': direction === 'in' ? 'receive' : 'transmit',
  'ppp.packet.identifier': identifier,
  ...(detail === undefined ? {} : { 'ppp.packet.detail': detail }),
});

/**
 * The rounds of one authentication, each a span below its phase: from a challenge to the verdict about its answer, or to the
 * refusal of the method. A further round begins with the packet or the question that makes it one.
 */
export class AuthRounds {
  private readonly phase: PhaseSpan;
  private readonly budget: SpanBudget;
  private readonly method: string | undefined;
  private round: PhaseSpan | undefined;
  private number = 0;
  /** Whose packet begins the next round. */
  private next: Direction | 'any' | 'none' = 'none';

  /** `method`: what LCP agreed on. */
  constructor(phase: PhaseSpan, budget: SpanBudget, method: string | undefined) {
    this.phase = phase;
    this.budget = budget;
    this.method = method;
    this.begin();
  }

  packet(direction: Direction, summary: PppSummary): void {
    if (this.round === undefined && (this.next === 'any' || this.next === direction)) this.begin();
    (this.round ?? this.phase).event(summary.name, packetAttributes(direction, summary));
    if (summary.name !== 'eap.nak') return;
    const message = `the EAP method that was offered is refused; the peer ${summary.detail ?? 'wants another'}`;
    this.finish({ error: 'method-nak', message });
    this.next = 'any';
  }

  /** The span of the round that asks; `kind` is the kind of proof. */
  asked(kind: string): PhaseSpan {
    const round = this.round ?? this.begin();
    round.attributes({ 'ppp.auth.proof': kind });
    return round;
  }

  /** The span of the round that has something to compute. */
  get current(): PhaseSpan {
    return this.round ?? this.phase;
  }

  failed({ method, identity, denial, retriesLeft }: FailedAttempt): void {
    this.current.attributes({
      'ppp.auth.protocol': method,
      'ppp.auth.retries_left': retriesLeft,
      ...(identity === '' ? {} : { 'user.name': identity }),
    });
    this.finish({ error: denial, message: WHY_REFUSED[denial] });
    this.next = retriesLeft > 0 ? 'in' : 'none';
  }

  /** The phase is over. */
  end(failure?: SpanFailure): void {
    this.phase.attributes({ 'ppp.auth.rounds': this.number });
    this.finish(failure);
    this.next = 'none';
  }

  private begin(): PhaseSpan {
    this.number += 1;
    const attributes = {
      'ppp.auth.round': this.number,
      ...(this.method === undefined ? {} : { 'ppp.auth.protocol': this.method }),
    };
    const round = this.budget.spend(() => this.phase.step('auth.round', attributes));
    this.round = round;
    this.next = 'none';
    return round;
  }

  private finish(failure: SpanFailure | undefined): void {
    this.round?.end(failure);
    this.round = undefined;
  }
}
