import type { Instant } from '../time.ts';

/** Deadlines by kind; at most one of each. */
export class PptpTimers<Kind extends string> {
  private readonly deadlines = new Map<Kind, Instant>();

  set(kind: Kind, when: Instant): void {
    this.deadlines.set(kind, when);
  }

  clear(kind: Kind): void {
    this.deadlines.delete(kind);
  }

  has(kind: Kind): boolean {
    return this.deadlines.has(kind);
  }

  clearAll(): void {
    this.deadlines.clear();
  }

  next(): Instant | undefined {
    let next: Instant | undefined;
    for (const when of this.deadlines.values()) if (next === undefined || when < next) next = when;
    return next;
  }

  /** Takes the deadline of `kind` away if it has passed. */
  expire(kind: Kind, now: Instant): boolean {
    const when = this.deadlines.get(kind);
    if (when === undefined || when > now) return false;
    this.deadlines.delete(kind);
    return true;
  }
}
