import type { Machine } from '../../core/machine/machine.ts';
import { after, earliest, type Instant } from '../../core/time.ts';
import type { LifePhase } from '../admin/api/life.ts';

export type LifeInput =
  /** Everything is there, and calls may come. */
  | { readonly kind: 'started' }
  | {
      readonly kind: 'drain';
      readonly ms: number;
      /** End the process after it. */
      readonly stop: boolean;
      /** Nobody may take it back: the service manager waits for the end of the process. */
      readonly final: boolean;
      readonly by: string;
    }
  | { readonly kind: 'resume'; readonly by: string }
  /** No tunnel is left. */
  | { readonly kind: 'empty' }
  /** Every tunnel that was left at the deadline has been told to end. */
  | { readonly kind: 'told' }
  /** The gateway cannot go on. */
  | { readonly kind: 'end'; readonly by: string };

export type LifeEffect =
  /** The phase, or what is said of it, is another now. */
  | { readonly kind: 'changed' }
  | { readonly kind: 'refuse' }
  | { readonly kind: 'accept' }
  /** The deadline has come: what is left is to be told to end. `told` is to follow. */
  | { readonly kind: 'farewell' }
  /** The last: everything may be taken down. */
  | { readonly kind: 'stop' };

export interface LifeMachineOptions {
  /** Most that telling all tunnels to end may take, in ms. */
  readonly farewellMs: number;
  /** How long tunnels may take to end when all have been told, in ms. */
  readonly graceMs: number;
}

/** 10,000 tunnels are told within 1 s; a peer that is there has answered a Terminate-Request within 2 s. */
export const LIFE_DEFAULTS: LifeMachineOptions = { farewellMs: 5_000, graceMs: 2_000 };

/**
 * The phases of a gateway:
 *
 *   starting --started--> ready <--resume/drain--> draining --no tunnel left, or the farewell is over--> stopping
 *
 * The last step is taken only by a drain that is to end the process; one that is not stays at `draining`, without tunnels.
 */
export class LifeMachine implements Machine<LifeInput, LifeEffect> {
  private readonly options: LifeMachineOptions;
  private current: LifePhase = 'starting';
  private hasStarted = false;
  private drainUntil: Instant | undefined;
  private farewell: 'none' | 'running' | 'over' = 'none';
  private farewellUntil: Instant | undefined;
  private stopAfter = false;
  private final = false;
  private wantedBy: string | undefined;

  constructor(options: LifeMachineOptions = LIFE_DEFAULTS) {
    this.options = options;
  }

  get phase(): LifePhase {
    return this.current;
  }

  /** When a drain ends what is left; undefined without one. */
  get deadline(): Instant | undefined {
    return this.drainUntil;
  }

  get thenStop(): boolean {
    return this.stopAfter;
  }

  get by(): string | undefined {
    return this.wantedBy;
  }

  handle(input: LifeInput, now: Instant): readonly LifeEffect[] {
    if (this.current === 'stopping') return [];
    switch (input.kind) {
      case 'started':
        return this.started();
      case 'drain':
        return this.drain(input, now);
      case 'resume':
        return this.resume(input.by);
      case 'empty':
        return this.current === 'draining' && this.stopAfter ? this.stop() : [];
      case 'told':
        if (this.farewell === 'running') this.farewellUntil = after(now, this.options.graceMs);
        return [];
      case 'end':
        this.wantedBy = input.by;
        return this.stop();
      default:
        return input satisfies never;
    }
  }

  nextTimeout(): Instant | undefined {
    if (this.current !== 'draining') return undefined;
    return earliest(this.farewell === 'none' ? this.drainUntil : undefined, this.farewellUntil);
  }

  handleTimeout(now: Instant): readonly LifeEffect[] {
    if (this.current !== 'draining') return [];
    if (this.farewellUntil !== undefined && this.farewellUntil <= now) {
      this.farewellUntil = undefined;
      this.farewell = 'over';
      return this.stopAfter ? this.stop() : [];
    }
    return this.farewell === 'none' ? this.endWhatIsDue(now) : [];
  }

  private started(): readonly LifeEffect[] {
    if (this.hasStarted) return [];
    this.hasStarted = true;
    if (this.current !== 'starting') return [];
    this.current = 'ready';
    return [{ kind: 'changed' }];
  }

  private drain({ ms, stop, final, by }: Extract<LifeInput, { kind: 'drain' }>, now: Instant): readonly LifeEffect[] {
    this.wantedBy = by;
    this.stopAfter ||= stop;
    this.final ||= final;
    // Nothing is up yet, or nothing is to be waited for.
    if (this.stopAfter && (!this.hasStarted || ms === 0)) return this.stop();
    const before = this.current;
    this.current = 'draining';
    this.drainUntil = after(now, ms);
    // Who came after an earlier farewell was refused, but those that had no time to end then are told again.
    if (this.farewell === 'over') this.farewell = 'none';
    const refusal: readonly LifeEffect[] = before === 'draining' ? [] : [{ kind: 'refuse' }];
    return [...refusal, { kind: 'changed' }, ...this.endWhatIsDue(now)];
  }

  private endWhatIsDue(now: Instant): readonly LifeEffect[] {
    if (this.farewell !== 'none' || this.drainUntil === undefined || this.drainUntil > now) return [];
    this.farewell = 'running';
    this.farewellUntil = after(now, this.options.farewellMs);
    return [{ kind: 'farewell' }];
  }

  private resume(by: string): readonly LifeEffect[] {
    if (this.current !== 'draining' || this.final) return [];
    this.current = this.hasStarted ? 'ready' : 'starting';
    this.wantedBy = by;
    this.forgetDrain();
    return [{ kind: 'accept' }, { kind: 'changed' }];
  }

  private stop(): readonly LifeEffect[] {
    const wasRefusing = this.current === 'draining';
    this.current = 'stopping';
    this.forgetDrain();
    this.stopAfter = true;
    return [...(wasRefusing ? [] : [{ kind: 'refuse' } as const]), { kind: 'changed' }, { kind: 'stop' }];
  }

  private forgetDrain(): void {
    this.drainUntil = undefined;
    this.farewell = 'none';
    this.farewellUntil = undefined;
    this.stopAfter = false;
  }
}
