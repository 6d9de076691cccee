import { SETUP_PHASES, type SetupPhase } from '../core/ports/telemetry.ts';

export interface FunnelPhase {
  /** A phase of the set-up, or `up`. */
  readonly phase: SetupPhase | 'up';
  readonly reached: number;
  readonly failed: number;
  readonly reasons: Readonly<Record<string, number>>;
}

/** Words for failures of a phase are few; what comes beyond that is one. */
const MOST_REASONS = 32;
const OTHER = 'other';

class PhaseCounts {
  reached = 0;
  failed = 0;
  readonly reasons = new Map<string, number>();
}

/**
 * Where set-ups get to, since the start. A set-up counts once in each phase that it reaches, and once as failed in the one
 * that it ended in. A control connection without a call, or one that was closed on arrival, has failed in `control`.
 */
export class Funnel {
  readonly #phases = new Map<SetupPhase, PhaseCounts>(SETUP_PHASES.map((phase) => [phase, new PhaseCounts()]));
  #up = 0;

  reached(phase: SetupPhase): void {
    const counts = this.#phases.get(phase);
    if (counts !== undefined) counts.reached += 1;
  }

  failed(phase: SetupPhase, error: string): void {
    const counts = this.#phases.get(phase);
    if (counts === undefined) return;
    counts.failed += 1;
    const { reasons } = counts;
    const word = reasons.has(error) || reasons.size < MOST_REASONS ? error : OTHER;
    reasons.set(word, (reasons.get(word) ?? 0) + 1);
  }

  up(): void {
    this.#up += 1;
  }

  snapshot(): readonly FunnelPhase[] {
    return [
      ...[...this.#phases].map(([phase, { reached, failed, reasons }]) => ({
        phase,
        reached,
        failed,
        reasons: Object.fromEntries(reasons),
      })),
      { phase: 'up' as const, reached: this.#up, failed: 0, reasons: {} },
    ];
  }
}
