/** Wrong tokens that one source may show at once, and how long it takes until it may show one more. */
const AT_ONCE = 10;
const REFILL_MS = 6000;
/** Sources that are remembered; of more the oldest are forgotten. */
const MOST_SOURCES = 1024;
const SECOND_MS = 1000;

interface Purse {
  left: number;
  at: number;
}

/** How many wrong tokens each source may still show. */
export class WrongTokens {
  readonly #now: () => number;
  readonly #purses = new Map<string, Purse>();

  /** `now` in ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#purses.size;
  }

  /** Seconds until a token of this source is looked at again; 0: at once. */
  waitOf(source: string): number {
    const purse = this.#purses.get(source);
    if (purse === undefined) return 0;
    this.#refill(purse);
    return purse.left >= 1 ? 0 : Math.max(1, Math.ceil(((1 - purse.left) * REFILL_MS) / SECOND_MS));
  }

  note(source: string): void {
    const purse = this.#purses.get(source) ?? { left: AT_ONCE, at: this.#now() };
    this.#refill(purse);
    purse.left = Math.max(0, purse.left - 1);
    // Behind all others: it is the last to be forgotten.
    this.#purses.delete(source);
    this.#purses.set(source, purse);
    if (this.#purses.size <= MOST_SOURCES) return;
    const [oldest] = this.#purses.keys();
    if (oldest !== undefined) this.#purses.delete(oldest);
  }

  #refill(purse: Purse): void {
    const now = this.#now();
    purse.left = Math.min(AT_ONCE, purse.left + (now - purse.at) / REFILL_MS);
    purse.at = now;
  }
}
