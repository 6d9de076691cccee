import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { PhaseSpan } from '../../core/ports/telemetry.ts';
import type { Admission, Policies, PolicyVerdict } from './policies.ts';

/** The questions of one tunnel to the policies: one after the other, each answered once, in their order. */
export class TunnelAdmission {
  private readonly policies: Policies;
  /** Until the last answer that takes its time is there. */
  private waiting: Promise<void> | undefined;
  private abort: AbortController | undefined;
  private asked = 0;
  private over = false;

  constructor(policies: Policies) {
    this.policies = policies;
  }

  /**
   * `answered` runs before this returns, or later, unless the tunnel ends before that; `superseded` says that there is a
   * newer question, and that this one was perhaps never asked.
   */
  ask(
    admission: Admission,
    span: PhaseSpan | undefined,
    answered: (verdict: PolicyVerdict | 'superseded') => void,
  ): void {
    this.asked += 1;
    const number = this.asked;
    const verdict =
      this.waiting === undefined
        ? this.decide(admission, span)
        : this.waiting.then(() => this.late(number, admission, span));
    if (!(verdict instanceof Promise)) {
      answered(verdict);
      return;
    }
    const done = verdict.then((settled) => {
      if (this.waiting === done) {
        this.waiting = undefined;
        this.abort = undefined;
      }
      if (!this.over) answered(number === this.asked ? settled : 'superseded');
    });
    this.waiting = done;
  }

  /** The tunnel has ended: nobody waits for an answer any more. */
  end(): void {
    this.over = true;
    this.abort?.abort();
  }

  private late(
    number: number,
    admission: Admission,
    span: PhaseSpan | undefined,
  ): PolicyVerdict | 'superseded' | Promise<PolicyVerdict> {
    return this.over || number !== this.asked ? 'superseded' : this.decide(admission, span);
  }

  private decide(admission: Admission, span: PhaseSpan | undefined): PolicyVerdict | Promise<PolicyVerdict> {
    return this.policies.admit(admission, this.signal, span);
  }

  private get signal(): CancelSignal {
    this.abort ??= new AbortController();
    return this.abort.signal;
  }
}
