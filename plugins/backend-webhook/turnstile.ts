/** Lets so many tasks run at a time, and so many wait in the order of their coming. */
export class Turnstile {
  private mostRunning: number;
  private mostWaiting: number;
  private running = 0;
  private readonly waiting = new Set<() => void>();

  constructor(mostRunning: number, mostWaiting: number) {
    this.mostRunning = mostRunning;
    this.mostWaiting = mostWaiting;
  }

  /** Other numbers from now on; what runs and waits already may be more. */
  resize(mostRunning: number, mostWaiting: number): void {
    this.mostRunning = mostRunning;
    this.mostWaiting = mostWaiting;
    for (const next of this.waiting) {
      if (this.running >= mostRunning) return;
      this.running += 1;
      this.waiting.delete(next);
      next();
    }
  }

  /** Resolves with the way out, to be called once; undefined when too many wait already. Rejects when the signal fires. */
  enter(signal: AbortSignal): Promise<(() => void) | undefined> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.running < this.mostRunning) {
      this.running += 1;
      return Promise.resolve(this.leave());
    }
    if (this.waiting.size >= this.mostWaiting) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const give = (): void => {
        signal.removeEventListener('abort', abandon);
        resolve(this.leave());
      };
      const abandon = (): void => {
        this.waiting.delete(give);
        reject(signal.reason);
      };
      this.waiting.add(give);
      signal.addEventListener('abort', abandon, { once: true });
    });
  }

  private leave(): () => void {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const [next] = this.waiting;
      if (next === undefined || this.running > this.mostRunning) {
        this.running -= 1;
        return;
      }
      // The place goes from hand to hand: nobody who comes meanwhile can take it.
      this.waiting.delete(next);
      next();
    };
  }
}
