/** A few answers for a short time; the one that was not asked for longest goes first. */
export class AnswerCache<T> {
  private readonly most: number;
  private readonly now: () => number;
  private readonly entries = new Map<string, { readonly value: T; readonly until: number }>();

  /** `now` in ms of any clock that does not go back. */
  constructor(most: number, now: () => number) {
    this.most = most;
    this.now = now;
  }

  get(key: string): T | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    this.entries.delete(key);
    if (this.now() >= entry.until) return undefined;
    this.entries.set(key, entry);
    return entry.value;
  }

  set(key: string, value: T, milliseconds: number): void {
    if (milliseconds <= 0) return;
    this.entries.delete(key);
    this.entries.set(key, { value, until: this.now() + milliseconds });
    const [oldest] = this.entries.keys();
    if (this.entries.size > this.most && oldest !== undefined) this.entries.delete(oldest);
  }

  delete(key: string): void {
    this.entries.delete(key);
  }

  clear(): void {
    this.entries.clear();
  }

  get size(): number {
    return this.entries.size;
  }
}
