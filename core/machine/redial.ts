// When a client dials again: exponential back-off with jitter, reset by a tunnel that lived for a while.
import { readU32 } from '../bytes/bytes.ts';
import type { RandomSource } from '../ports/random.ts';
import { after, type Instant } from '../time.ts';
import type { Machine } from './machine.ts';

/** Dial again whenever a call ends; until a tunnel was up once; or never. */
export type RedialPolicy = 'always' | 'until-up' | 'once';

export interface RedialOptions {
  readonly policy: RedialPolicy;
  /** Go on although the server refused the user: an account may be locked by this. */
  readonly retryAuthentication: boolean;
  /** The delay doubles from the one to the other, in ms. */
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /** A tunnel that was up for so long, in ms, makes the next delay the first again. */
  readonly steadyMs: number;
}

export const REDIAL_DEFAULTS: RedialOptions = {
  policy: 'always',
  retryAuthentication: false,
  firstDelayMs: 1_000,
  longestDelayMs: 60_000,
  steadyMs: 60_000,
};

export type RedialInput =
  | { readonly kind: 'start' }
  /** The tunnel is up. */
  | { readonly kind: 'up' }
  /** The attempt or the tunnel is over. `authentication`: the server refused the user, or could not prove itself. */
  | { readonly kind: 'ended'; readonly authentication: boolean }
  | { readonly kind: 'stop' };

export type RedialEffect =
  /** `attempt` counts from 1, from the start or the last steady tunnel. */
  | { readonly kind: 'dial'; readonly attempt: number }
  | { readonly kind: 'wait'; readonly delayMs: number }
  /** Nothing follows. */
  | { readonly kind: 'over' };

type State =
  | { readonly kind: 'idle' | 'over' }
  | { readonly kind: 'dialling' }
  | { readonly kind: 'up'; readonly since: Instant }
  | { readonly kind: 'waiting'; readonly until: Instant };

const NONE: readonly RedialEffect[] = [];

/**
 *   idle ──start──> dialling ──up──> up
 *                    ^    └──ended──┐ │ ended
 *                    └── waiting <──┴─┘          any ──stop, or nothing left to try──> over
 */
export class Redial implements Machine<RedialInput, RedialEffect> {
  private readonly options: RedialOptions;
  private readonly random: RandomSource;
  private state: State = { kind: 'idle' };
  /** Attempts since the last steady tunnel. */
  private attempts = 0;

  constructor(options: Partial<RedialOptions>, random: RandomSource) {
    this.options = { ...REDIAL_DEFAULTS, ...options };
    this.random = random;
  }

  handle(input: RedialInput, now: Instant): readonly RedialEffect[] {
    const { kind } = this.state;
    switch (input.kind) {
      case 'start':
        return kind === 'idle' ? this.dial() : NONE;
      case 'up':
        if (kind === 'dialling') this.state = { kind: 'up', since: now };
        return NONE;
      case 'ended':
        return kind === 'dialling' || kind === 'up' ? this.ended(input.authentication, now) : NONE;
      case 'stop':
        return kind === 'over' ? NONE : this.over();
    }
  }

  nextTimeout(): Instant | undefined {
    return this.state.kind === 'waiting' ? this.state.until : undefined;
  }

  handleTimeout(now: Instant): readonly RedialEffect[] {
    return this.state.kind === 'waiting' && now >= this.state.until ? this.dial() : NONE;
  }

  private dial(): readonly RedialEffect[] {
    this.attempts += 1;
    this.state = { kind: 'dialling' };
    return [{ kind: 'dial', attempt: this.attempts }];
  }

  private ended(authentication: boolean, now: Instant): readonly RedialEffect[] {
    const { policy, retryAuthentication, steadyMs } = this.options;
    const since = this.state.kind === 'up' ? this.state.since : undefined;
    const satisfied = policy === 'until-up' && since !== undefined;
    if (policy === 'once' || satisfied || (authentication && !retryAuthentication)) return this.over();
    if (since !== undefined && now - since >= steadyMs) this.attempts = 0;
    const delayMs = this.delay();
    this.state = { kind: 'waiting', until: after(now, delayMs) };
    return [{ kind: 'wait', delayMs }];
  }

  /** Between half the bound and all of it, so that clients a server lost together do not come back together. */
  private delay(): number {
    const { firstDelayMs, longestDelayMs } = this.options;
    const doublings = Math.min(Math.max(0, this.attempts - 1), 30);
    const bound = Math.min(longestDelayMs, firstDelayMs * 2 ** doublings);
    const share = readU32(this.random.bytes(4), 0) / 2 ** 32;
    return Math.max(firstDelayMs, Math.round((bound / 2) * (1 + share)));
  }

  private over(): readonly RedialEffect[] {
    this.state = { kind: 'over' };
    return [{ kind: 'over' }];
  }
}
