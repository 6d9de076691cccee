/** First again after this, then twice as long each time. */
const SECOND_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 30_000;
/** Who lived as long as this died of something new. */
const LONG_LIFE_MS = 60_000;

/** How long a worker that died waits for its next life: not at all the first time, and never longer than 30 s. */
export class RestartDelay {
  private nextMs = 0;

  /** `lifeMs`: how long it was up. */
  after(lifeMs: number): number {
    if (lifeMs >= LONG_LIFE_MS) this.nextMs = 0;
    const delayMs = this.nextMs;
    this.nextMs = Math.min(LONGEST_DELAY_MS, Math.max(SECOND_DELAY_MS, delayMs * 2));
    return delayMs;
  }
}
