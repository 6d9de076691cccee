import { MIDDLE, MPPC_HISTORY, MPPC_MOST, NEAR, SHORTEST_MATCH } from './mppc-format.ts';

/**
 * Why octets are no MPPC data. `cut-off`: they end inside a token. `bad-token`: a length beyond 8191 or a copy from
 * nowhere. `too-long`: they decode to more than the history or a PPP packet holds.
 */
export const MPPC_FAULT = { cutOff: -1, badToken: -2, tooLong: -3 } as const;

const MASK = MPPC_HISTORY - 1;

/** Receive side. Total: any octets give data or a fault, and nothing outside the history is read or written. */
export class MppcDecoder {
  /** What was decoded last is `history[start .. start + the length that decode returned)`. */
  readonly history = new Uint8Array(MPPC_HISTORY);
  start = 0;
  private position = 0;
  private dirty = 0;

  state(): { readonly history: Uint8Array; readonly position: number } {
    return { history: this.history.slice(0, this.dirty), position: this.position };
  }

  /** Into a new decoder. */
  restore({ history, position }: ReturnType<MppcDecoder['state']>): void {
    this.history.set(history);
    this.dirty = history.length;
    this.position = position;
  }

  /** Bit A: the sender began with an empty history, which counts as all zeroes. */
  reset(): void {
    this.history.fill(0, 0, this.dirty);
    this.position = 0;
    this.dirty = 0;
  }

  /** Bit B: this packet stands at the front of the history. What was written before can still be copied from. */
  restart(): void {
    this.position = 0;
  }

  /**
   * Decodes `source[offset .. offset + length)`. Returns the number of octets, at most `most`, or a fault; after a fault
   * the history is that of before, except behind its end.
   */
  decode(source: Uint8Array, offset: number, length: number, most: number = MPPC_MOST): number {
    const { history } = this;
    const begin = this.position;
    const limit = Math.min(begin + most, MPPC_HISTORY);
    const end = offset + length;
    let at = offset;
    let to = begin;
    // The low `count` bits of `bits` are unread.
    let bits = 0;
    let count = 0;
    let fault = 0;
    for (;;) {
      while (count <= 24 && at < end) {
        bits = (bits << 8) | (source[at] as number);
        count += 8;
        at += 1;
      }
      // No token is shorter than 8 bits: what is left is padding.
      if (count < 8) break;
      const head = (bits << (32 - count)) >>> 8;
      if (head < 0x800000) {
        if (to >= limit) {
          fault = MPPC_FAULT.tooLong;
          break;
        }
        history[to] = head >>> 16;
        to += 1;
        count -= 8;
        continue;
      }
      if (head < 0xc00000) {
        if (count < 9) {
          fault = MPPC_FAULT.cutOff;
          break;
        }
        if (to >= limit) {
          fault = MPPC_FAULT.tooLong;
          break;
        }
        history[to] = 0x80 | ((head >>> 15) & 0x7f);
        to += 1;
        count -= 9;
        continue;
      }
      let back = 0;
      if (head >= 0xf00000) {
        back = (head >>> 14) & 0x3f;
        count -= 10;
      } else if (head >= 0xe00000) {
        back = ((head >>> 12) & 0xff) + NEAR;
        count -= 12;
      } else {
        back = ((head >>> 8) & 0x1fff) + MIDDLE;
        count -= 16;
      }
      if (count < 0) {
        fault = MPPC_FAULT.cutOff;
        break;
      }
      while (count <= 24 && at < end) {
        bits = (bits << 8) | (source[at] as number);
        count += 8;
        at += 1;
      }
      if (count === 0) {
        fault = MPPC_FAULT.cutOff;
        break;
      }
      const code = bits << (32 - count);
      // The number of leading ones says how many bits the length has.
      const ones = Math.clz32(~code);
      let run = SHORTEST_MATCH;
      if (ones === 0) count -= 1;
      else if (ones > 11) {
        fault = MPPC_FAULT.badToken;
        break;
      } else {
        const width = ones + 1;
        run = (1 << width) | ((code << width) >>> (32 - width));
        count -= 2 * width;
      }
      if (count < 0) {
        fault = MPPC_FAULT.cutOff;
        break;
      }
      if (back === 0 || back > MASK) {
        fault = MPPC_FAULT.badToken;
        break;
      }
      if (to + run > limit) {
        fault = MPPC_FAULT.tooLong;
        break;
      }
      for (const stop = to + run; to < stop; to += 1) history[to] = history[(to - back) & MASK] as number;
    }
    if (to > this.dirty) this.dirty = to;
    if (fault < 0) return fault;
    this.start = begin;
    this.position = to;
    return to - begin;
  }
}
