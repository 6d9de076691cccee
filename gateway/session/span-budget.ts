import type { PhaseSpan } from '../../core/ports/telemetry.ts';

const ignore = (): void => undefined;

/** Takes everything and shows nothing: what is beyond a budget. */
export const SILENT_SPAN: PhaseSpan = { attributes: ignore, event: ignore, step: () => SILENT_SPAN, end: ignore };

/** How many spans one negotiation may make: a peer can begin anew as often as it likes. */
export class SpanBudget {
  private left: number;

  constructor(spans: number) {
    this.left = spans;
  }

  /** The span, or a silent one when the budget is spent. */
  spend(start: () => PhaseSpan): PhaseSpan {
    if (this.left === 0) return SILENT_SPAN;
    this.left -= 1;
    return start();
  }
}
