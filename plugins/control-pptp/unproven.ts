import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { after, type Instant } from '../../core/time.ts';

interface Entry {
  readonly source: Ipv4;
  /** When it could go on; undefined while it waits for us. */
  since: Instant | undefined;
}

/**
 * How long one may take before another may have its place, in ms: a client that goes on is through long before, and one
 * that has said nothing for so long is most likely none.
 */
export const PATIENCE_MS = 5_000;

/**
 * Those whose user has not proven itself yet, connections or calls, by the address that they come from; and who of them
 * has to make room for another. Every question takes the same time, however many there are.
 */
export class Unproven<T> {
  private readonly entries = new Map<T, Entry>();
  /** In the order of coming. */
  private readonly bySource = new Map<Ipv4, Set<T>>();
  /** Sources that have as many: no source is in two of them. */
  private readonly byCount = new Map<number, Set<Ipv4>>();
  /** Those that do not wait for us, in the order since when. */
  private readonly acting = new Set<T>();
  private most = 0;

  get size(): number {
    return this.entries.size;
  }

  countOf(source: Ipv4): number {
    return this.bySource.get(source)?.size ?? 0;
  }

  add(one: T, source: Ipv4, now: Instant): void {
    if (this.entries.has(one)) return;
    this.entries.set(one, { source, since: now });
    this.acting.add(one);
    const others = this.bySource.get(source);
    if (others === undefined) this.bySource.set(source, new Set([one]));
    else others.add(one);
    this.moved(source, 1);
  }

  /** It waits for us: no fault of its own. */
  waits(one: T): void {
    const entry = this.entries.get(one);
    if (entry === undefined) return;
    entry.since = undefined;
    this.acting.delete(one);
  }

  /** It may go on from now on. */
  goesOn(one: T, now: Instant): void {
    const entry = this.entries.get(one);
    if (entry === undefined) return;
    entry.since = now;
    this.acting.delete(one);
    this.acting.add(one);
  }

  /** It has proven itself, or is gone. False: it was not there. */
  remove(one: T): boolean {
    const entry = this.entries.get(one);
    if (entry === undefined) return false;
    this.entries.delete(one);
    this.acting.delete(one);
    const { source } = entry;
    const others = this.bySource.get(source);
    others?.delete(one);
    if (others?.size === 0) this.bySource.delete(source);
    this.moved(source, -1);
    return true;
  }

  /**
   * Who makes room for one more from `source`: one of the source that has the most, if that source has more even
   * afterwards; otherwise the one that has not gone on for longest, if that is too long. Undefined: nobody.
   */
  victimFor(source: Ipv4, now: Instant): T | undefined {
    const [busiest] = this.byCount.get(this.most) ?? [];
    if (busiest !== undefined && this.most > this.countOf(source) + 1) return this.leastOf(busiest);
    for (const one of this.acting) return this.isLate(one, now) ? one : undefined;
    return undefined;
  }

  /** Of the same source: the first that is late. */
  lateOneOf(source: Ipv4, now: Instant): T | undefined {
    for (const one of this.bySource.get(source) ?? []) if (this.isLate(one, now)) return one;
    return undefined;
  }

  /** The first that could go on; where all wait for us, the one whose turn is last. */
  private leastOf(source: Ipv4): T | undefined {
    let last: T | undefined;
    for (const one of this.bySource.get(source) ?? []) {
      if (this.acting.has(one)) return one;
      last = one;
    }
    return last;
  }

  private isLate(one: T, now: Instant): boolean {
    const since = this.entries.get(one)?.since;
    return since !== undefined && after(since, PATIENCE_MS) <= now;
  }

  /** The source has one more, or one less, than before. */
  private moved(source: Ipv4, by: 1 | -1): void {
    const count = this.countOf(source);
    const before = this.byCount.get(count - by);
    before?.delete(source);
    if (before?.size === 0) this.byCount.delete(count - by);
    if (count > 0) {
      const same = this.byCount.get(count);
      if (same === undefined) this.byCount.set(count, new Set([source]));
      else same.add(source);
    }
    // It changes by one at a time, and so does the greatest.
    if (count > this.most) this.most = count;
    else if (!this.byCount.has(this.most)) this.most = Math.max(0, this.most - 1);
  }
}
