import { after, type Instant } from '../time.ts';
import {
  type NegotiationAction,
  type NegotiationEvent,
  type NegotiationState,
  restartTimerRuns,
  transition,
} from './negotiation-table.ts';

/** Timer in ms and counters of RFC 1661 section 4.6. */
export interface NegotiationLimits {
  readonly restartMs: number;
  readonly maxConfigure: number;
  readonly maxTerminate: number;
  readonly maxFailure: number;
}

export interface RestartTimer {
  set(at: Instant): void;
  clear(): void;
}

/** Carries out what the automaton decides. */
export interface NegotiationActions {
  perform(action: NegotiationAction, now: Instant): void;
}

/**
 * Runs the transition table: state, Restart timer and Restart counter. It knows no packets; `actions` is told every
 * action, after the state has changed, in the table's order.
 */
export class NegotiationAutomaton {
  readonly #limits: NegotiationLimits;
  readonly #timer: RestartTimer;
  readonly #actions: NegotiationActions;
  #state: NegotiationState;
  #restartCount = 0;

  constructor(
    limits: NegotiationLimits,
    timer: RestartTimer,
    actions: NegotiationActions,
    state: NegotiationState = 'Initial',
  ) {
    this.#limits = limits;
    this.#timer = timer;
    this.#actions = actions;
    this.#state = state;
  }

  get state(): NegotiationState {
    return this.#state;
  }

  get restartCount(): number {
    return this.#restartCount;
  }

  /** Goes on where another one of the same protocol was; its timer is the caller's. */
  restore(state: NegotiationState, restartCount: number): void {
    this.#state = state;
    this.#restartCount = restartCount;
  }

  /** False when the event is illegal in this state; then nothing changes. */
  event(event: NegotiationEvent, now: Instant): boolean {
    const step = transition(this.#state, event);
    if (step === undefined) return false;
    this.#state = step.next;
    if (!restartTimerRuns(step.next)) this.#timer.clear();
    for (const action of step.actions) {
      this.#count(action, step.actions, now);
      this.#actions.perform(action, now);
    }
    return true;
  }

  /** The Restart timer ran out. */
  timeout(now: Instant): void {
    this.event(this.#restartCount > 0 ? 'TO+' : 'TO-', now);
  }

  #count(action: NegotiationAction, together: readonly NegotiationAction[], now: Instant): void {
    switch (action) {
      case 'irc':
        this.#restartCount = together.includes('str') ? this.#limits.maxTerminate : this.#limits.maxConfigure;
        break;
      case 'zrc':
        this.#restartCount = 0;
        // The peer hangs up; we must not before one Restart time has passed (RFC 1661 sections 3.7 and 4.4).
        this.#timer.set(after(now, this.#limits.restartMs));
        break;
      case 'scr':
      case 'str':
        this.#restartCount -= 1;
        this.#timer.set(after(now, this.#limits.restartMs));
        break;
      default:
        break;
    }
  }
}
