/** Least important first. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const rank = (level: LogLevel): number => LOG_LEVELS.indexOf(level);

/** Who asked for another level. */
export interface LevelWish {
  /** "signal SIGUSR2", or the user that the command line names. */
  readonly by: string;
  /** After this many seconds the configured level holds again; for good if left out. */
  readonly seconds?: number | undefined;
}

export interface LevelChange extends LevelWish {
  readonly from: LogLevel;
  readonly to: LogLevel;
}

export interface LevelState {
  readonly level: LogLevel;
  /** What the configuration says. */
  readonly configured: LogLevel;
  /** Until the configured level holds again. */
  readonly secondsLeft?: number;
}

const MILLISECONDS = 1000;

/** The level of a log and of all its children, changed while the process runs. */
export class LogLevels {
  #configured: LogLevel;
  #level: LogLevel;
  #rank: number;
  #back: { readonly timer: NodeJS.Timeout; readonly at: number } | undefined;
  #announce: (change: LevelChange) => void = () => undefined;
  #changed: (change: LevelChange) => void = () => undefined;

  constructor(configured: LogLevel) {
    this.#configured = configured;
    this.#level = configured;
    this.#rank = rank(configured);
  }

  /** What the configuration says. */
  get configured(): LogLevel {
    return this.#configured;
  }

  /** The configuration says something else now; it holds unless somebody asked for another level meanwhile. */
  reconfigure(configured: LogLevel, by: string): void {
    const holds = this.#level === this.#configured;
    this.#configured = configured;
    if (holds && configured !== this.#level) this.set(configured, { by });
  }

  /** `announce` writes the line about a change, while the more talkative of the two levels holds. */
  onChange(announce: (change: LevelChange) => void): void {
    this.#announce = announce;
  }

  /** `changed` is told when a change has been made. */
  afterChange(changed: (change: LevelChange) => void): void {
    this.#changed = changed;
  }

  isEnabled(level: LogLevel): boolean {
    return rank(level) >= this.#rank;
  }

  state(): LevelState {
    const back = this.#back;
    const left = back === undefined ? {} : { secondsLeft: Math.ceil((back.at - performance.now()) / MILLISECONDS) };
    return { level: this.#level, configured: this.configured, ...left };
  }

  set(level: LogLevel, { by, seconds }: LevelWish): void {
    this.#forget();
    this.#change({ from: this.#level, to: level, by, seconds });
    if (seconds === undefined || level === this.configured) return;
    const timer = setTimeout(() => {
      this.#back = undefined;
      this.#change({ from: this.#level, to: this.configured, by: 'end of the time asked for' });
    }, seconds * MILLISECONDS);
    timer.unref();
    this.#back = { timer, at: performance.now() + seconds * MILLISECONDS };
  }

  /** Between `debug` and the configured level; where that is `debug`, between it and `info`. */
  toggle(by: string): void {
    const other: LogLevel = this.configured === 'debug' ? 'info' : 'debug';
    this.set(this.#level === this.configured ? other : this.configured, { by });
  }

  #change(change: LevelChange): void {
    const quieter = rank(change.to) > this.#rank;
    // Of several processes each is told by the configuration and by the supervisor, and has nothing new to say then.
    const isNew = change.to !== change.from || change.seconds !== undefined;
    if (quieter && isNew) this.#announce(change);
    this.#level = change.to;
    this.#rank = rank(change.to);
    if (!quieter && isNew) this.#announce(change);
    this.#changed(change);
  }

  #forget(): void {
    clearTimeout(this.#back?.timer);
    this.#back = undefined;
  }
}
