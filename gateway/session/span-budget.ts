import type { PhaseSpan } from '../../core/ports/telemetry.ts';

const ignore = (): void => undefined;

/** Takes everything and shows nothing: what is beyond a budget. */
export const SILENT_SPAN: PhaseSpan = { attributes: ignore, event: ignore, step: () => SILENT_SPAN, end: ignore };

/** How many spans and events one negotiation may make: a peer can begin anew, and say things, as often as it likes. */
export class SpanBudget {
  private left: number;
  private eventsLeft: number;

  constructor(spans: number, events: number) {
    this.left = spans;
    this.eventsLeft = events;
  }

  /** Whether there may be one more event. */
  spendEvent(): boolean {
    if (this.eventsLeft === 0) return false;
    this.eventsLeft -= 1;
    return true;
  }

  /** The span, or a silent one when the budget is spent. */
  spend(start: () => PhaseSpan): PhaseSpan {
    if (this.left === 0) return SILENT_SPAN;
    this.left -= 1;
    return start();
  }
}
