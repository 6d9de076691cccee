import { MppcDecoder } from '../compress/mppc-decoder.ts';
import type { MppeSessionKey } from '../crypto/mppe-keys.ts';
import { Rc4 } from '../crypto/rc4.ts';
import { MPPE_COUNT_MASK } from '../wire/mppe-header.ts';
import type { ChangeBudget } from './change-budget.ts';
import { isSurelyIp } from './inner-packet.ts';
import type { KeySearchSnapshot } from './path-snapshot.ts';

/** A cycle of the coherency count. */
const CYCLE = MPPE_COUNT_MASK + 1;
/** Key changes that one packet may cost. */
const PER_PACKET = 2 * CYCLE;
/** Longer losses are not made up for. */
const FURTHEST = 1_000_000;
/** Protocol field and the longest IP header without extensions. */
const ENOUGH = 64;

const scratch = new Uint8Array(2048);
const tables = new Rc4();

/** `found`: the key is in `key`. `nowhere`: no key fits. `not-yet`: the budget is used up; the next packet goes on. */
export type Finding = 'found' | 'nowhere' | 'not-yet';

/**
 * Looks for the key of a packet when the coherency count alone does not tell it: tries the possible ones, in order, and
 * believes the one that makes an IP packet.
 */
export class KeySearch {
  private readonly cursor: MppeSessionKey;
  private readonly decoder: MppcDecoder | undefined;
  /** The key that `walked` counts from; another one starts the search afresh. */
  private readonly origin: Uint8Array;
  private walked = 0;

  constructor(cursor: MppeSessionKey, compression: boolean) {
    this.cursor = cursor;
    this.origin = cursor.key.slice();
    this.decoder = compression ? new MppcDecoder() : undefined;
  }

  state(): KeySearchSnapshot {
    return { cursor: this.cursor.key.slice(), origin: this.origin.slice(), walked: this.walked };
  }

  restore({ cursor, origin, walked }: KeySearchSnapshot): void {
    const { length } = this.origin;
    if (cursor.length !== length || origin.length !== length) return;
    this.cursor.restore(cursor);
    this.origin.set(origin);
    this.walked = walked;
  }

  get key(): Uint8Array {
    return this.cursor.key;
  }

  /**
   * Stateless mode, after the loss of more packets than the count can tell: the key `steps` changes from `from`, or a
   * cycle further, and so on up to `most`. Goes on with the next packet where this one used its budget up.
   */
  findCycle(
    from: Uint8Array,
    steps: number,
    most: number,
    budget: ChangeBudget,
    now: number,
    slab: Uint8Array,
    at: number,
    size: number,
    compressed: boolean,
  ): Finding {
    const furthest = Math.min(most, FURTHEST);
    let next = this.walked <= steps ? steps : steps + Math.ceil((this.walked - steps) / CYCLE) * CYCLE;
    if (next > furthest || !this.startsAt(from)) {
      this.start(from);
      next = steps;
    }
    let left = PER_PACKET;
    for (; next <= furthest; next += CYCLE) {
      const changes = next - this.walked;
      if (changes > left || !budget.spend(changes, now)) return 'not-yet';
      left -= changes;
      this.walk(changes);
      if (this.fits(slab, at, size, compressed)) return 'found';
    }
    return 'nowhere';
  }

  /**
   * Stateful mode, a FLUSHED packet: the key `changes` from `from`, for each of up to `resets` resets one further, and
   * all this up to `cycles` cycles of the count later. Returns the number of further changes, -1 when no key fits.
   */
  findReset(
    from: Uint8Array,
    changes: number,
    resets: number,
    cycles: number,
    slab: Uint8Array,
    at: number,
    size: number,
    compressed: boolean,
  ): number {
    this.start(from);
    this.walk(changes);
    const most = (cycles * CYCLE) / 256 + resets;
    for (let extra = 0; extra <= most; extra += 1) {
      if (extra > 0) this.walk(1);
      if (extra % 16 <= resets && this.fits(slab, at, size, compressed)) return extra;
    }
    return -1;
  }

  private start(from: Uint8Array): void {
    this.cursor.restore(from);
    this.origin.set(from);
    this.walked = 0;
  }

  private startsAt(from: Uint8Array): boolean {
    for (let i = 0; i < from.length; i += 1) if (from[i] !== this.origin[i]) return false;
    return true;
  }

  private walk(changes: number): void {
    for (let i = 0; i < changes; i += 1) this.cursor.change();
    this.walked += changes;
  }

  private fits(slab: Uint8Array, at: number, size: number, compressed: boolean): boolean {
    const { decoder } = this;
    const part = compressed ? Math.min(size, scratch.length) : Math.min(size, ENOUGH);
    for (let i = 0; i < part; i += 1) scratch[i] = slab[at + i] as number;
    tables.init(this.cursor.key);
    tables.apply(scratch, 0, part);
    // Lengths are checked against the whole packet; the header lies in the part.
    if (!compressed || decoder === undefined) return isSurelyIp(scratch, 0, size);
    // Every packet that is looked for is FLUSHED: its history is empty.
    decoder.reset();
    const length = decoder.decode(scratch, 0, part);
    return length > 0 && isSurelyIp(decoder.history, decoder.start, length);
  }
}
