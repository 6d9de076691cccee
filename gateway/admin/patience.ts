/** What has come while this process itself stood still (Ctrl-Z, a pager that reads no further) is read first. */
const GRACE_MS = 500;

/** Calls `giveUp` when nothing was heard for so long. */
export class Patience {
  readonly #ms: number;
  readonly #giveUp: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** Begins to wait at once. */
  constructor(ms: number, giveUp: () => void) {
    this.#ms = ms;
    this.#giveUp = giveUp;
    this.heard();
  }

  /** Something came: waits anew. */
  heard(): void {
    this.end();
    this.#timer = setTimeout(() => {
      this.#timer = setTimeout(this.#giveUp, GRACE_MS);
    }, this.#ms);
  }

  /** Waits no more, until something is heard. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
