import type { SetupPhase } from '../ports/telemetry.ts';
import type { LinkEffect } from './ppp-link-types.ts';

/** Keeps the `phase` effects in pairs: every `begin` is followed by one `done` or one `failed`. */
export class PhaseLog {
  readonly #emit: (effect: LinkEffect) => void;
  readonly #open = new Set<SetupPhase>();

  constructor(emit: (effect: LinkEffect) => void) {
    this.#emit = emit;
  }

  begin(phase: SetupPhase): void {
    if (this.#open.has(phase)) return;
    this.#open.add(phase);
    this.#emit({ kind: 'phase', phase, state: 'begin' });
  }

  done(phase: SetupPhase): void {
    if (this.#open.delete(phase)) this.#emit({ kind: 'phase', phase, state: 'done' });
  }

  failed(phase: SetupPhase, error: string, detail: string): void {
    if (this.#open.delete(phase)) this.#emit({ kind: 'phase', phase, state: 'failed', error, detail });
  }

  /** Ends every phase still under way. */
  failAll(error: string, detail: string): void {
    for (const phase of [...this.#open]) this.failed(phase, error, detail);
  }
}
