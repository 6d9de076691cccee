/**
 * Key changes that lost packets may cost a receiver, as a token bucket: somebody who forges coherency counts must not
 * keep the process busy with them. One change takes about a microsecond.
 */
const MOST = 16_384;
const PER_MS = 20;

export class ChangeBudget {
  private left = MOST;
  private at = 0;

  state(): { readonly left: number; readonly at: number } {
    return { left: this.left, at: this.at };
  }

  restore({ left, at }: { readonly left: number; readonly at: number }): void {
    this.left = Math.min(MOST, left);
    this.at = at;
  }

  /** False, and nothing spent, when there are not as many. `now` in ms. */
  spend(changes: number, now: number): boolean {
    if (now > this.at) {
      this.left = Math.min(MOST, this.left + (now - this.at) * PER_MS);
      this.at = now;
    }
    if (changes > this.left) return false;
    this.left -= changes;
    return true;
  }
}
