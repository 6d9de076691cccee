const TWO_32 = 0x1_0000_0000;

export interface ReplaySnapshot {
  readonly top: number;
  /** Bits of the window, 32 in each. */
  readonly seen: readonly number[];
}

export type ReplayVerdict = 'new' | 'duplicate' | 'late';

/**
 * The anti-replay window of one inbound security association (RFC 4303 section 3.4.3), and with extended sequence numbers
 * the inference of their upper half (appendix A). Numbers are whole ones below 2^53. `size` is a multiple of 32, or 0 for
 * no protection (without extended numbers only).
 */
export class ReplayWindow {
  readonly size: number;
  readonly extended: boolean;
  /** The highest number that was accepted; 0 at first. */
  top = 0;
  private readonly seen: Uint32Array;

  constructor(size: number, extended: boolean) {
    this.size = size;
    this.extended = extended;
    this.seen = new Uint32Array(Math.ceil(size / 32));
  }

  /** Its numbers as plain data. */
  snapshot(): ReplaySnapshot {
    return { top: this.top, seen: [...this.seen] };
  }

  /** Goes on with the numbers of a window of this size. */
  restore({ top, seen }: ReplaySnapshot): void {
    this.top = top;
    this.seen.set(seen.slice(0, this.seen.length));
  }

  /** The whole number of which a packet shows the lower half; -1 when it would lie before the first. */
  infer(low: number): number {
    if (!this.extended) return low;
    const topLow = this.top % TWO_32;
    const epoch = this.top - topLow;
    const bottom = topLow - this.size + 1;
    // RFC 4303 appendix A2.2: the window lies within one epoch, or reaches back into the one before.
    if (bottom >= 0) return low >= bottom ? epoch + low : epoch + TWO_32 + low;
    if (low < bottom + TWO_32) return epoch + low;
    return epoch === 0 ? -1 : epoch - TWO_32 + low;
  }

  /** To be asked before anything is decrypted; the first packet has the number 1. */
  check(sequence: number): ReplayVerdict {
    if (this.size === 0) return 'new';
    if (sequence <= 0) return 'late';
    if (sequence > this.top) return 'new';
    if (sequence <= this.top - this.size) return 'late';
    const bit = sequence % this.size;
    return ((this.seen[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0 ? 'new' : 'duplicate';
  }

  /** Only for a packet that `check` called new and whose integrity is proven. */
  accept(sequence: number): void {
    if (sequence > this.top) {
      const ahead = sequence - this.top;
      if (ahead >= this.size) this.seen.fill(0);
      else for (let i = 1; i < ahead; i += 1) this.clear((this.top + i) % this.size);
      this.top = sequence;
    }
    if (this.size === 0) return;
    const bit = sequence % this.size;
    this.seen[bit >>> 5] = (this.seen[bit >>> 5] ?? 0) | (1 << (bit & 31));
  }

  private clear(bit: number): void {
    this.seen[bit >>> 5] = (this.seen[bit >>> 5] ?? 0) & ~(1 << (bit & 31));
  }
}
