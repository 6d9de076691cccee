import { MIDDLE, MPPC_HISTORY, NEAR, SHORTEST_MATCH } from './mppc-format.ts';

const HASH_BITS = 12;
/** How many earlier places with the same hash are looked at. */
const CHAIN = 8;
/** A match this long is taken without looking for a longer one. */
const GOOD = 64;
/** Some receivers do not take a history that is filled to its last octets. */
const USABLE = MPPC_HISTORY - 3;
const NOWHERE = -1;

/**
 * Send side. Matches lie between the front of the history and the write position, never round the end of the buffer:
 * receivers differ in whether they let a copy wrap.
 */
export class MppcEncoder {
  /** The last packet stands at the front of the history (bit B). */
  atFront = false;
  private readonly history = new Uint8Array(MPPC_HISTORY);
  private readonly out = new Uint8Array(2048);
  private readonly head = new Int16Array(1 << HASH_BITS).fill(NOWHERE);
  private readonly chain = new Int16Array(MPPC_HISTORY);
  private position = 0;

  state(): EncoderState {
    const { atFront, position } = this;
    return {
      atFront,
      position,
      history: this.history.slice(0, position),
      head: octetsOf(this.head),
      chain: octetsOf(this.chain.subarray(0, position)),
    };
  }

  /** Into a new encoder. False: this is no state of one, and it has stayed new. */
  restore({ atFront, position, history, head, chain }: EncoderState): boolean {
    const heads = placesOf(head);
    const links = placesOf(chain);
    const whole = heads.length === this.head.length && history.length === position && links.length === position;
    // A copy comes from behind, never from what is still to be written.
    const sound = heads.every((at) => at < position) && links.every((at, from) => at <= from);
    if (!whole || !sound || position > USABLE) return false;
    this.atFront = atFront;
    this.position = position;
    this.history.set(history);
    this.head.set(heads);
    this.chain.set(links);
    return true;
  }

  /** The next packet is encoded from an empty history: bit A. */
  flush(): void {
    if (this.position === 0) return;
    this.position = 0;
    this.head.fill(NOWHERE);
  }

  /**
   * Encodes `slab[offset .. offset + length)` in place. Returns the new length, or -1 when it would not be smaller: the
   * octets are as they were, and the history is flushed.
   */
  encode(slab: Uint8Array, offset: number, length: number): number {
    if (length > this.out.length || length > USABLE) {
      this.flush();
      return -1;
    }
    if (this.position + length > USABLE) this.flush();
    this.atFront = this.position === 0;
    const size = this.compress(slab, offset, length);
    if (size < 0) {
      this.flush();
      return -1;
    }
    const { out } = this;
    for (let i = 0; i < size; i += 1) slab[offset + i] = out[i] as number;
    return size;
  }

  private compress(slab: Uint8Array, offset: number, length: number): number {
    const { history, head, chain, out } = this;
    const begin = this.position;
    const end = begin + length;
    for (let i = 0; i < length; i += 1) history[begin + i] = slab[offset + i] as number;
    // Even when the packet is given up, what it left in the history has to be flushed.
    this.position = end;
    // A token writes at most 5 octets; one octet must be saved.
    const room = length - 1;
    let size = 0;
    let bits = 0;
    let count = 0;
    let at = begin;
    while (at < end) {
      let run = 0;
      let back = 0;
      if (at + SHORTEST_MATCH <= end) {
        const slot = hash(history, at);
        let candidate = head[slot] as number;
        chain[at] = candidate;
        head[slot] = at;
        const most = end - at;
        for (let tries = CHAIN; candidate >= 0 && tries > 0; tries -= 1) {
          if (history[candidate + run] === history[at + run]) {
            let same = 0;
            while (same < most && history[candidate + same] === history[at + same]) same += 1;
            if (same > run) {
              run = same;
              back = at - candidate;
              if (run >= GOOD || run === most) break;
            }
          }
          candidate = chain[candidate] as number;
        }
      }
      if (run < SHORTEST_MATCH) {
        const octet = history[at] as number;
        if (octet < 0x80) {
          bits = (bits << 8) | octet;
          count += 8;
        } else {
          bits = (bits << 9) | 0x100 | (octet & 0x7f);
          count += 9;
        }
        at += 1;
      } else {
        if (back < NEAR) {
          bits = (bits << 10) | 0x3c0 | back;
          count += 10;
        } else if (back < MIDDLE) {
          bits = (bits << 12) | 0xe00 | (back - NEAR);
          count += 12;
        } else {
          bits = (bits << 16) | 0xc000 | (back - MIDDLE);
          count += 16;
        }
        while (count >= 8) {
          count -= 8;
          if (size >= room) return -1;
          out[size] = bits >>> count;
          size += 1;
        }
        if (run === SHORTEST_MATCH) {
          bits <<= 1;
          count += 1;
        } else {
          // As many bits as the length has behind its highest one, after one 1 less than that and a 0.
          const width = 31 - Math.clz32(run);
          bits = (((bits << width) | ((1 << width) - 2)) << width) | (run & ((1 << width) - 1));
          count += 2 * width;
        }
        const next = at + run;
        const last = Math.min(next, end - SHORTEST_MATCH + 1);
        for (at += 1; at < last; at += 1) {
          const slot = hash(history, at);
          chain[at] = head[slot] as number;
          head[slot] = at;
        }
        at = next;
      }
      while (count >= 8) {
        count -= 8;
        if (size >= room) return -1;
        out[size] = bits >>> count;
        size += 1;
      }
    }
    if (count > 0) {
      if (size >= room) return -1;
      out[size] = bits << (8 - count);
      size += 1;
    }
    return size;
  }
}

/** All of an encoder: places as 16-bit numbers, little-endian. */
export interface EncoderState {
  readonly atFront: boolean;
  readonly position: number;
  readonly history: Uint8Array;
  readonly head: Uint8Array;
  readonly chain: Uint8Array;
}

const octetsOf = (places: Int16Array): Uint8Array => {
  const out = new Uint8Array(2 * places.length);
  for (const [i, place] of places.entries()) {
    out[2 * i] = place & 0xff;
    out[2 * i + 1] = (place >> 8) & 0xff;
  }
  return out;
};

const placesOf = (octets: Uint8Array): Int16Array =>
  Int16Array.from({ length: octets.length >> 1 }, (_, i) => {
    const place = ((octets[2 * i + 1] as number) << 8) | (octets[2 * i] as number);
    return place >= 0x8000 ? place - 0x10000 : place;
  });

const hash = (octets: Uint8Array, at: number): number =>
  Math.imul(
    ((octets[at] as number) << 16) | ((octets[at + 1] as number) << 8) | (octets[at + 2] as number),
    0x9e3779b1,
  ) >>>
  (32 - HASH_BITS);
