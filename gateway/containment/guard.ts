import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import type { PhaseSpan, Telemetry } from '../../core/ports/telemetry.ts';
import { after } from '../../core/time.ts';
import { failureFields } from '../session/failure-words.ts';
import { type BreakerChange, CircuitBreaker } from './breaker.ts';
import { PluginFailure, type PluginFailureWord } from './plugin-failure.ts';
import { WordBudget } from './word-budget.ts';

export interface GuardDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly telemetry: Pick<Telemetry, 'event'>;
  /** How long an answer may take, in ms. */
  readonly timeoutMs: number;
}

/** What is guarded, for logs and spans. */
export interface Guarded {
  /** Name of the object, which plug-ins choose: a back-end's, a policy's. */
  readonly name: string;
  /** The port that it implements: `authenticator`, `session-policy` and so on. */
  readonly port: string;
  /** The caller logs each failure itself. */
  readonly quiet?: boolean;
  /** False: its calls are no steps of spans, for what is not of an operator's plug-in. */
  readonly traced?: boolean;
}

export interface Question<T> {
  /** The call. Its signal fires at the time-out, and when `signal` does. */
  readonly work: (signal: AbortSignal) => T | Promise<T>;
  /** Whether this is an answer that the port allows: plug-ins in JavaScript have no compiler to tell them. */
  readonly fits: (answer: T) => boolean;
  /** Fires when nobody waits for the answer any more. */
  readonly signal?: CancelSignal | undefined;
  /** The peer that the call is for: what it sent may be why the call fails, so only of several do failures count. */
  readonly source?: unknown;
  /** The call is a step `plugin.NAME` of this span. */
  readonly span?: PhaseSpan | undefined;
  /** An answer that came when nobody waited any more, for what must be given back. */
  readonly late?: (answer: T) => void;
}

/** Calls that were given up and still run: so many, and no other is made before one ends. */
const MOST_ABANDONED = 128;
/** A call that must return at once and takes longer than this, in ms, holds up everybody. */
const SLOW_MS = 50;

/**
 * Stands between the gateway and one object of a plug-in. What the plug-in throws ends there; a call that takes too long is
 * given up, whether or not the plug-in listens to its signal; one that fails again and again is not asked for a while.
 */
export class Guard {
  private readonly deps: GuardDeps;
  private readonly guarded: Guarded;
  private readonly breaker: CircuitBreaker;
  private readonly budget: WordBudget;
  private abandoned = 0;

  constructor(deps: GuardDeps, guarded: Guarded, breaker: CircuitBreaker = new CircuitBreaker()) {
    this.deps = deps;
    this.guarded = guarded;
    this.breaker = breaker;
    this.budget = new WordBudget(() => deps.clock.now());
  }

  get name(): string {
    return this.guarded.name;
  }

  /** The answer. Rejects with PluginFailure, and with nothing else, at the latest when the time is over. */
  async ask<T>(question: Question<T>): Promise<T> {
    const { name, port, traced = true } = this.guarded;
    const span = (traced ? question.span : undefined)?.step(`plugin.${name}`, { 'pptp.plugin.port': port });
    try {
      const answer = await this.admitted(question);
      span?.end();
      return answer;
    } catch (cause) {
      const failure = cause instanceof PluginFailure ? cause : new PluginFailure(name, 'plugin-threw', { cause });
      span?.end({ error: failure.code, message: failure.message });
      throw failure;
    }
  }

  /** It is not asked at the moment: every `ask` is refused at once. */
  get rests(): boolean {
    return this.abandoned >= MOST_ABANDONED || this.breaker.rests(this.deps.clock.now());
  }

  /** A call that is to return at once and tells nothing. */
  tell(work: () => void): void {
    this.call<unknown>(() => this.watchLate(work()), undefined);
  }

  /** What a call that is to return at once returns; `otherwise` when it throws, or returns what does not fit. */
  call<T>(work: () => T, otherwise: T, fits: (result: T) => boolean = () => true): T {
    try {
      const result = this.punctual(work);
      if (fits(result)) return result;
      this.watchLate(result, () => undefined);
      this.failed('plugin-answer', undefined);
    } catch (cause) {
      this.failed('plugin-threw', cause);
    }
    return otherwise;
  }

  /** An `async` function in place of a plain one: its failure would otherwise end the process. */
  private watchLate(result: unknown, told = (cause: unknown): void => this.failed('plugin-threw', cause)): void {
    if (!isThenable(result)) return;
    const late = async (): Promise<unknown> => result;
    late().catch(told);
  }

  /** Nobody else gets a turn while it runs. */
  private punctual<T>(work: () => T): T {
    const { clock } = this.deps;
    const began = clock.now();
    try {
      return work();
    } finally {
      const took = clock.now() - began;
      if (took > SLOW_MS) this.slow(took);
    }
  }

  private async admitted<T>(question: Question<T>): Promise<T> {
    const { clock } = this.deps;
    const { name } = this.guarded;
    if (question.signal?.aborted === true) throw new PluginFailure(name, 'cancelled');
    const permit = this.abandoned >= MOST_ABANDONED ? undefined : this.breaker.admits(clock.now());
    if (permit === undefined) {
      this.count('plugin-resting');
      throw new PluginFailure(name, 'plugin-resting');
    }
    try {
      const answer = await this.inTime(question);
      if (!this.isFit(question, answer)) throw new PluginFailure(name, 'plugin-answer');
      this.changed(this.breaker.succeeded());
      return answer;
    } catch (cause) {
      const word = cause instanceof PluginFailure ? cause.code : 'plugin-threw';
      if (word === 'cancelled') this.breaker.undecided(permit);
      else {
        this.failed(word, cause);
        const source = word === 'plugin-timeout' ? undefined : question.source;
        this.changed(this.breaker.broke(clock.now(), permit, source));
      }
      throw cause;
    }
  }

  private isFit<T>(question: Question<T>, answer: T): boolean {
    try {
      return question.fits(answer);
    } catch {
      // An answer whose fields throw.
      return false;
    }
  }

  /** Settles when the call does, or the time is over, or nobody waits any more. */
  private inTime<T>(question: Question<T>): Promise<T> {
    const { clock, timeoutMs } = this.deps;
    const abort = new AbortController();
    return new Promise((resolve, reject) => {
      let waiting = true;
      const settle = (): boolean => {
        const first = waiting;
        waiting = false;
        cancelTimer();
        forget();
        return first;
      };
      const giveUp = (word: PluginFailureWord): void => {
        if (!settle()) return;
        this.abandoned += 1;
        reject(new PluginFailure(this.guarded.name, word));
        abort.abort();
      };
      const cancelTimer = clock.schedule(after(clock.now(), timeoutMs), () => giveUp('plugin-timeout'));
      const forget = onAbort(question.signal, () => giveUp('cancelled'));
      const run = async (): Promise<T> => this.punctual(() => question.work(abort.signal));
      run().then(
        (answer) => {
          if (settle()) resolve(answer);
          else this.tooLate(question, answer);
        },
        (cause: unknown) => {
          if (settle()) reject(cause);
          else this.abandoned -= 1;
        },
      );
    });
  }

  private tooLate<T>({ late, fits }: Question<T>, answer: T): void {
    this.abandoned -= 1;
    if (late === undefined) return;
    this.tell(() => {
      if (fits(answer)) late(answer);
    });
  }

  private changed(change: BreakerChange): void {
    if (change === undefined) return;
    const { log, telemetry } = this.deps;
    const { name, port } = this.guarded;
    const fields = { plugin: name, port };
    telemetry.event(`plugin.breaker-${change.kind}`, fields);
    if (change.kind === 'closed') {
      log.info('plugin.recovered', `${name} (${port}) answers again`, fields);
      return;
    }
    const seconds = change.restMs / 1000;
    const message = `${name} (${port}) fails again and again: it is not asked for ${seconds} s`;
    log.error('plugin.resting', message, { ...fields, seconds });
  }

  private failed(word: PluginFailureWord, cause: unknown): void {
    this.count(word);
    const { name, port, quiet } = this.guarded;
    if (quiet === true) return;
    const more = this.budget.take(word);
    if (more === undefined) return;
    const message = `${name} (${port}): a call failed`;
    // What it said of it may hold anything, so only its class and code are told.
    this.deps.log.warn('plugin.failed', message, {
      plugin: name,
      port,
      why: word,
      ...failureFields(cause),
      repeated: more,
    });
  }

  private slow(took: number): void {
    this.deps.telemetry.event('plugin.slow', { plugin: this.guarded.name, port: this.guarded.port });
    const more = this.budget.take('slow');
    if (more === undefined) return;
    const { name, port } = this.guarded;
    const message = `${name} (${port}) took ${Math.round(took)} ms for a call that must return at once: everything waited`;
    this.deps.log.warn('plugin.slow', message, { plugin: name, port, milliseconds: Math.round(took), repeated: more });
  }

  private count(word: PluginFailureWord): void {
    this.deps.telemetry.event('plugin.failed', { plugin: this.guarded.name, port: this.guarded.port, why: word });
  }
}

/** Many questions may hang on one signal, so each takes its listener away again; undoing is what it returns. */
const onAbort = (signal: CancelSignal | undefined, listener: () => void): (() => void) => {
  signal?.addEventListener('abort', listener);
  return () => {
    if (signal instanceof AbortSignal) signal.removeEventListener('abort', listener);
  };
};

export const isThenable = <T>(value: T | PromiseLike<T>): value is PromiseLike<T> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
