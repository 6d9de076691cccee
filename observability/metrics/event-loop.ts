import { type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks';

/** Seconds. */
export interface EventLoopNumbers {
  readonly delay: { readonly mean: number; readonly p50: number; readonly p99: number; readonly max: number };
  readonly active: number;
  readonly idle: number;
}

/** The timer that is watched fires so often; a finer one would cost more than it tells. */
const RESOLUTION_MS = 20;
const WINDOW_MS = 10_000;
const NOTHING = { mean: 0, p50: 0, p99: 0, max: 0 };

/** How late the event loop is, in windows of ten seconds, so that several readers see the same. */
export class EventLoopWatch {
  readonly #delays: IntervalHistogram;
  readonly #timer: NodeJS.Timeout;
  #last: EventLoopNumbers['delay'] | undefined;

  constructor() {
    this.#delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#delays.enable();
    this.#timer = setInterval(() => this.#turn(), WINDOW_MS);
    this.#timer.unref();
  }

  /** The last whole window; the first one while it lasts. */
  read(): EventLoopNumbers {
    const { active, idle } = performance.eventLoopUtilization();
    return { delay: this.#last ?? this.#now(), active: active / 1000, idle: idle / 1000 };
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#delays.disable();
  }

  #turn(): void {
    this.#last = this.#now();
    this.#delays.reset();
  }

  #now(): EventLoopNumbers['delay'] {
    const delays = this.#delays;
    if (delays.max === 0) return NOTHING;
    return {
      mean: late(delays.mean),
      p50: late(delays.percentile(50)),
      p99: late(delays.percentile(99)),
      max: late(delays.max),
    };
  }
}

/** Node measures from one firing of the timer to the next, in ns: its period is no delay. */
const late = (nanoseconds: number): number => Math.max(0, (nanoseconds - RESOLUTION_MS * 1e6) / 1e9) || 0;
