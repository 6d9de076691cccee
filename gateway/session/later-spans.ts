import { NoteBudget } from '../../core/machine/note-budget.ts';
import type { Attributes, LaterSpan, PhaseSpan, SpanFailure, TunnelTrace } from '../../core/ports/telemetry.ts';
import type { Instant } from '../../core/time.ts';
import { SILENT_SPAN } from './span-budget.ts';

/** Spans of one name that one tunnel may make in a minute. */
const SPANS_A_MINUTE = 10;
const MINUTE_MS = 60_000;

/** What happens to a tunnel after its set-up. What goes beyond the budget is counted, and the next span says how much. */
export class LaterSpans {
  private readonly trace: TunnelTrace;
  private readonly now: () => Instant;
  private budgets: Map<LaterSpan, NoteBudget> | undefined;

  constructor(trace: TunnelTrace, now: () => Instant) {
    this.trace = trace;
    this.now = now;
  }

  begin(name: LaterSpan, attributes: Attributes = {}, since?: Instant): PhaseSpan {
    this.budgets ??= new Map();
    let budget = this.budgets.get(name);
    if (budget === undefined) {
      budget = new NoteBudget(SPANS_A_MINUTE, MINUTE_MS);
      this.budgets.set(name, budget);
    }
    const missed = budget.take(this.now());
    if (missed === undefined) return SILENT_SPAN;
    return this.trace.later(name, missed > 0 ? { ...attributes, 'pptp.trace.suppressed': missed } : attributes, since);
  }

  /** One that is over already. */
  add(name: LaterSpan, attributes?: Attributes, since?: Instant, failure?: SpanFailure): void {
    this.begin(name, attributes, since).end(failure);
  }
}
