import type { SetupPhase } from '../ports/telemetry.ts';
import type { LinkEffect } from './ppp-link-types.ts';

/**
 * RFC 1661 section 3.2, with one stage more: between authentication and network the server waits for the addresses of
 * the session (`authorize`).
 *
 *   dead ──open──> establish ──LCP up──> authenticate ──accept──> authorize ──profile──> network
 *                     ^                       │                       │                     │
 *                     └──────────── the peer renegotiates LCP ────────┴─────────────────────┘
 *   any ── failure, close, Terminate-Request ──> terminate ── Terminate-Ack or timeout ──> closed
 */
export type LinkPhase = 'dead' | 'establish' | 'authenticate' | 'authorize' | 'network' | 'terminate' | 'closed';

/** Keeps the `phase` effects in pairs: every `begin` is followed by one `done` or one `failed`. */
export class PhaseLog {
  readonly #host: { emit(effect: LinkEffect): void };
  /** None when the link is up: a list takes no room then. */
  readonly #open: SetupPhase[] = [];

  constructor(host: { emit(effect: LinkEffect): void }) {
    this.#host = host;
  }

  begin(phase: SetupPhase): void {
    if (this.#open.includes(phase)) return;
    this.#open.push(phase);
    this.#host.emit({ kind: 'phase', phase, state: 'begin' });
  }

  done(phase: SetupPhase): void {
    if (this.#end(phase)) this.#host.emit({ kind: 'phase', phase, state: 'done' });
  }

  failed(phase: SetupPhase, error: string, detail: string): void {
    if (this.#end(phase)) this.#host.emit({ kind: 'phase', phase, state: 'failed', error, detail });
  }

  /** Phases under way. */
  get open(): readonly SetupPhase[] {
    return this.#open;
  }

  restore(phases: readonly SetupPhase[]): void {
    this.#open.splice(0, this.#open.length, ...phases);
  }

  /** Ends every phase still under way. */
  failAll(error: string, detail: string): void {
    for (const phase of [...this.#open]) this.failed(phase, error, detail);
  }

  #end(phase: SetupPhase): boolean {
    const index = this.#open.indexOf(phase);
    if (index >= 0) this.#open.splice(index, 1);
    return index >= 0;
  }
}
