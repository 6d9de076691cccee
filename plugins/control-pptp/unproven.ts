import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { after, type Instant } from '../../core/time.ts';

interface Entry {
  readonly source: Ipv4;
  /** Somebody has logged in from its address before. */
  readonly isKnown: boolean;
  /** When it could go on; undefined while it waits for us. */
  since: Instant | undefined;
}

/**
 * How long one may take before another may have its place, in ms: a client that goes on is through long before, and one
 * that has said nothing for so long is most likely none.
 */
export const PATIENCE_MS = 5_000;

class Standings<T> {
  /** Those that do not wait for us, in the order since when. */
  readonly acting = new Set<T>();
  /** In the order since when they wait. */
  readonly waiting = new Set<T>();
}

const firstOf = <T>(all: ReadonlySet<T>): T | undefined => {
  const [first] = all;
  return first;
};

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
  private readonly strangers = new Standings<T>();
  private readonly known = new Standings<T>();
  private most = 0;

  get size(): number {
    return this.entries.size;
  }

  countOf(source: Ipv4): number {
    return this.bySource.get(source)?.size ?? 0;
  }

  /** `isKnown`: somebody has logged in from there before. */
  add(one: T, source: Ipv4, now: Instant, isKnown = false): void {
    if (this.entries.has(one)) return;
    this.entries.set(one, { source, isKnown, since: now });
    this.peersOf(isKnown).acting.add(one);
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
    const { acting, waiting } = this.peersOf(entry.isKnown);
    acting.delete(one);
    waiting.add(one);
  }

  /** It may go on from now on. */
  goesOn(one: T, now: Instant): void {
    const entry = this.entries.get(one);
    if (entry === undefined) return;
    entry.since = now;
    const { acting, waiting } = this.peersOf(entry.isKnown);
    waiting.delete(one);
    acting.delete(one);
    acting.add(one);
  }

  /** It has proven itself, or is gone. False: it was not there. */
  remove(one: T): boolean {
    const entry = this.entries.get(one);
    if (entry === undefined) return false;
    this.entries.delete(one);
    const { source, isKnown } = entry;
    const { acting, waiting } = this.peersOf(isKnown);
    acting.delete(one);
    waiting.delete(one);
    const others = this.bySource.get(source);
    others?.delete(one);
    if (others?.size === 0) this.bySource.delete(source);
    this.moved(source, -1);
    return true;
  }

  /**
   * Who makes room for one more from `source`: one of the source that has the most, if that source has more even
   * afterwards. Otherwise the one that has not gone on for longest, a stranger before one that is known; that must have been
   * too long, unless a stranger makes room for one that `isKnown`. Undefined: nobody.
   */
  victimFor(source: Ipv4, now: Instant, isKnown = false): T | undefined {
    const [busiest] = this.byCount.get(this.most) ?? [];
    if (busiest !== undefined && this.most > this.countOf(source) + 1) return this.leastOf(busiest);
    const stranger = firstOf(this.strangers.acting);
    if (isKnown && (stranger !== undefined || this.strangers.waiting.size > 0)) {
      return stranger ?? firstOf(this.strangers.waiting);
    }
    if (stranger !== undefined && this.isLate(stranger, now)) return stranger;
    const known = firstOf(this.known.acting);
    return known !== undefined && this.isLate(known, now) ? known : undefined;
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
      if (this.entries.get(one)?.since !== undefined) return one;
      last = one;
    }
    return last;
  }

  private peersOf(isKnown: boolean): Standings<T> {
    return isKnown ? this.known : this.strangers;
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
