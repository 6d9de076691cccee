import type { Instant } from '../time.ts';

/** Deadlines by kind; at most one of each. There are one or two, so a list is smaller than a map. */
export class PptpTimers<Kind extends string> {
  /** `times[i]` is that of `kinds[i]`. */
  private readonly kinds: Kind[] = [];
  private readonly times: Instant[] = [];

  set(kind: Kind, when: Instant): void {
    const index = this.kinds.indexOf(kind);
    if (index >= 0) {
      this.times[index] = when;
      return;
    }
    this.kinds.push(kind);
    this.times.push(when);
  }

  clear(kind: Kind): void {
    const index = this.kinds.indexOf(kind);
    if (index < 0) return;
    this.kinds.splice(index, 1);
    this.times.splice(index, 1);
  }

  has(kind: Kind): boolean {
    return this.kinds.includes(kind);
  }

  clearAll(): void {
    this.kinds.length = 0;
    this.times.length = 0;
  }

  next(): Instant | undefined {
    let next: Instant | undefined;
    for (const when of this.times) if (next === undefined || when < next) next = when;
    return next;
  }

  /** Takes the deadline of `kind` away if it has passed. */
  expire(kind: Kind, now: Instant): boolean {
    const when = this.times[this.kinds.indexOf(kind)];
    if (when === undefined || when > now) return false;
    this.clear(kind);
    return true;
  }
}
