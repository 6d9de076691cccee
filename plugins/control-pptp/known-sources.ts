import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';

/** Addresses that are remembered; beyond that the one whose last log-in is the longest ago is forgotten. */
const REMEMBERED = 20_000;

/**
 * Addresses that a user has logged in from while this process runs. Where places before the log-in are scarce, they come
 * first: of thousands of strangers that compete for them, none can become one of these.
 */
export class KnownSources {
  private readonly remembered: number;
  /** In the order of their last log-in. */
  private readonly sources = new Set<Ipv4>();

  constructor(remembered = REMEMBERED) {
    this.remembered = remembered;
  }

  has(source: Ipv4): boolean {
    return this.sources.has(source);
  }

  add(source: Ipv4): void {
    this.sources.delete(source);
    this.sources.add(source);
    if (this.sources.size <= this.remembered) return;
    const [oldest] = this.sources;
    if (oldest !== undefined) this.sources.delete(oldest);
  }
}
