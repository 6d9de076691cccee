import type { RateLimit } from '../ports/profile.ts';
import type { Instant } from '../time.ts';
import type { BucketSnapshot } from './path-snapshot.ts';
import { octetsPerMs, TokenBucket } from './shape-bucket.ts';

/** A packet that waits, copied. */
export interface ShapedPacket {
  readonly protocol: number;
  readonly bytes: Uint8Array;
  /** The inner address, or the prefix, that the session had when the packet was judged. */
  readonly owner: unknown;
}

/**
 * What may wait for the rate of one direction: what passes in so many ms, but never fewer octets than so many large packets
 * have, and never more packets than so many. TCP needs a short queue: without one each burst loses packets, and its rate
 * stays well below the limit.
 */
const QUEUE_MS = 100;
const LEAST_QUEUE_OCTETS = 16 * 1500;
const MOST_PACKETS = 1024;

/** What a packet that waits takes in memory besides its octets, in octets. */
const PACKET_COST = 256;

/** What a packet of so many octets takes while it waits. */
export const waitingCost = (octets: number): number => octets + PACKET_COST;

/** One direction of a session that has a rate: its bucket, and the packets that wait for it, first in, first out. */
export class ShapedFlow {
  /** Packets put in and taken out so far: the packet put in as the n-th is taken out as the n-th. */
  entered = 0;
  left = 0;
  /** Octets that wait. */
  octets = 0;
  /** Undefined: what waits is let go, and nothing else waits. */
  private bucket: TokenBucket | undefined;
  private mostOctets: number;
  private readonly packets: ShapedPacket[] = [];

  constructor(limit: RateLimit, now: Instant) {
    this.bucket = new TokenBucket(limit, now);
    this.mostOctets = mostOctetsOf(limit);
  }

  /** Undefined: no limit any more. */
  change(limit: RateLimit | undefined, now: Instant): void {
    if (limit === undefined) {
      this.bucket = undefined;
      return;
    }
    if (this.bucket === undefined) this.bucket = new TokenBucket(limit, now);
    else this.bucket.change(limit, now);
    this.mostOctets = mostOctetsOf(limit);
  }

  /** Of the bucket; what waits is no part of it. Undefined: there is no limit. */
  state(): BucketSnapshot | undefined {
    return this.bucket?.state();
  }

  restore(state: BucketSnapshot): void {
    this.bucket?.restore(state);
  }

  get length(): number {
    return this.packets.length;
  }

  /** Whether a packet of so many octets may pass at once. */
  passes(octets: number, now: Instant): boolean {
    return this.packets.length === 0 && (this.bucket?.take(octets, now) ?? true);
  }

  /** Whether a packet of so many octets may wait. */
  hasRoom(octets: number): boolean {
    return this.packets.length < MOST_PACKETS && this.octets + octets <= this.mostOctets;
  }

  /** Copies `bytes`; ask `hasRoom` before. */
  put(protocol: number, bytes: Uint8Array, owner: unknown): void {
    this.packets.push({ protocol, bytes: bytes.slice(), owner });
    this.octets += bytes.length;
    this.entered += 1;
  }

  /** The next packet that waits, if it may go now. */
  take(now: Instant): ShapedPacket | undefined {
    const [first] = this.packets;
    if (first === undefined || this.bucket?.take(first.bytes.length, now) === false) return undefined;
    this.packets.shift();
    this.octets -= first.bytes.length;
    this.left += 1;
    return first;
  }

  /** When `take` has something; undefined when nothing waits. */
  dueAt(now: Instant): Instant | undefined {
    const [first] = this.packets;
    return first === undefined ? undefined : (this.bucket?.availableAt(first.bytes.length, now) ?? now);
  }

  /** Gives up what waits. Returns what that took (`waitingCost`). */
  clear(): number {
    const cost = this.packets.reduce((sum, { bytes }) => sum + waitingCost(bytes.length), 0);
    this.packets.length = 0;
    this.octets = 0;
    return cost;
  }
}

const mostOctetsOf = (limit: RateLimit): number => Math.max(LEAST_QUEUE_OCTETS, QUEUE_MS * octetsPerMs(limit));
