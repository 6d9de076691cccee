import { MppcDecoder } from '../compress/mppc-decoder.ts';
import { MppeSessionKey } from '../crypto/mppe-keys.ts';
import { Rc4 } from '../crypto/rc4.ts';
import type { DropReason } from '../outcome.ts';
import { MPPE_BIT, MPPE_COUNT_MASK, MPPE_FLAG, MPPE_HEADER_LENGTH } from '../wire/mppe-header.ts';
import { ChangeBudget } from './change-budget.ts';
import { isSurelyIp } from './inner-packet.ts';
import { KeySearch } from './key-search.ts';
import type { MppeOptions } from './mppe-sender.ts';
import type { MppeReceiverSnapshot } from './path-snapshot.ts';

/**
 * `decrypted`, or why not. `reset-needed` is a drop as `decrypt-failed` that also asks for a CCP Reset-Request,
 * `garbage` one that says that keys or histories do not agree.
 */
export type MppeVerdict =
  | 'decrypted'
  | 'reset-needed'
  | 'garbage'
  | Extract<DropReason, 'truncated' | 'malformed' | 'late' | 'unencrypted' | 'decrypt-failed'>;

/** A count this far ahead is taken for a late packet, unless GRE's sequence numbers say how far it is. */
const LATE = 2048;
/** While waiting for FLUSHED, ask again after so many ms: the first Reset-Request may have been lost. */
const ASK_AGAIN_MS = 500;
/** Resets that the sender may have answered with packets that were lost; each may have changed its key. */
const MOST_RESETS = 6;
/** Key changes in one cycle of the coherency count of stateful mode. */
const CHANGES_PER_CYCLE = 16;
/** What the header of the next packet of a stateless stream says, besides bits that mean nothing then. */
const IN_ORDER = MPPE_BIT.flushed | MPPE_BIT.encrypted | MPPE_COUNT_MASK;
/** Cycles of the coherency count that a loss in stateful mode may span. */
const MOST_CYCLES = 16;

/** Of all stateless streams: set up anew for each packet. */
const statelessTables = new Rc4();

/**
 * Receive side of MPPE (RFC 3078) and MPPC (RFC 2118): decrypts and decompresses in place, without allocation per packet
 * but for a view of what was decompressed.
 *
 * What a packet says about lost ones is believed for good only when GRE's sequence numbers agree or the packet proves
 * itself (`isSurelyIp`): a forged count cannot lead the key away from the sender's.
 */
export class MppeReceiver {
  /** Length of the data behind the header, of the packet decrypted last. */
  length = 0;
  private sessionKey: MppeSessionKey | undefined;
  private readonly tables: Rc4;
  private readonly decoder: MppcDecoder | undefined;
  private readonly stateless: boolean;
  private readonly budget = new ChangeBudget();
  /** Made when the first packets are lost. */
  private search: KeySearch | undefined;
  /** Count of the last packet taken; the first one is expected to carry 0. */
  private last = MPPE_COUNT_MASK;
  private lastSequence = -1;
  private earlierKey: Uint8Array;
  private earlierLast = MPPE_COUNT_MASK;
  private earlierSequence = -1;
  /** Synchronisation is lost; since then, so many Reset-Requests were asked for. */
  private lost = false;
  private resets = 0;
  private askAt = 0;
  /** The sender changes its key with every FLUSHED packet, as Linux does. */
  private resetChangesKey = 0;
  private streak = 0;
  /** Packets that `foresee` gave the key for, and neither `opened` nor `forget` was called for; the last one's sequence. */
  private foreseen = 0;
  private foreseenSequence = -1;

  /** `masterKey` may be absent when nothing is encrypted. */
  constructor(masterKey: Uint8Array | undefined, options: MppeOptions) {
    this.stateless = options.stateless;
    this.tables = options.stateless ? statelessTables : new Rc4();
    this.decoder = options.compression === true ? new MppcDecoder() : undefined;
    if (options.strength === undefined || masterKey === undefined) {
      this.earlierKey = new Uint8Array(0);
      return;
    }
    this.sessionKey = new MppeSessionKey(masterKey, options.strength);
    this.earlierKey = this.sessionKey.key.slice();
    this.tables.init(this.sessionKey.key);
  }

  /** A receiver that goes on where another one was; undefined: this is no state of one. */
  static restored(state: MppeReceiverSnapshot): MppeReceiver | undefined {
    const { stateless, key, tables, decoder, search, earlierKey } = state;
    if (key !== undefined && !stateless && tables === undefined) return undefined;
    const receiver = new MppeReceiver(undefined, {
      strength: undefined,
      stateless,
      compression: decoder !== undefined,
    });
    const sessionKey = key && MppeSessionKey.restored(key);
    if (earlierKey.length !== (sessionKey?.key.length ?? 0)) return undefined;
    receiver.sessionKey = sessionKey;
    receiver.earlierKey = earlierKey.slice();
    if (!stateless && tables !== undefined) receiver.tables.restore(tables);
    if (decoder !== undefined) receiver.decoder?.restore(decoder);
    if (search !== undefined && sessionKey !== undefined) receiver.searchFor(sessionKey).restore(search);
    receiver.budget.restore(state.budget);
    receiver.last = state.last;
    receiver.lastSequence = state.lastSequence;
    receiver.earlierLast = state.earlierLast;
    receiver.earlierSequence = state.earlierSequence;
    receiver.lost = state.lost;
    receiver.resets = state.resets;
    receiver.askAt = state.askAt;
    receiver.resetChangesKey = state.resetChangesKey;
    receiver.streak = state.streak;
    return receiver;
  }

  /** Between packets, and with none foreseen. */
  state(): MppeReceiverSnapshot {
    const { stateless, last, lastSequence, earlierLast, earlierSequence, lost, resets, askAt } = this;
    return {
      stateless,
      key: this.sessionKey?.state(),
      tables: stateless ? undefined : this.tables.state(),
      decoder: this.decoder?.state(),
      budget: this.budget.state(),
      search: this.search?.state(),
      last,
      lastSequence,
      earlierKey: this.earlierKey.slice(),
      earlierLast,
      earlierSequence,
      lost,
      resets,
      askAt,
      resetChangesKey: this.resetChangesKey,
      streak: this.streak,
    };
  }

  get isEncrypted(): boolean {
    return this.sessionKey !== undefined;
  }

  /**
   * Decrypts and decompresses the datagram `slab[offset .. offset + length)` in place. When `decrypted`, the inner
   * protocol field begins at `offset + 2` and `this.length` octets are there, for which `room` octets behind `offset`
   * must be free. Otherwise the octets are lost.
   *
   * `sequence` is the GRE sequence number, -1 when unknown: since every datagram has one, it says at most how many were
   * lost, and so tells cycles of the count apart. `now` in ms.
   */
  decrypt(slab: Uint8Array, offset: number, length: number, sequence = -1, now = 0, room = length): MppeVerdict {
    if (length <= MPPE_HEADER_LENGTH) return 'truncated';
    const header = ((slab[offset] as number) << 8) | (slab[offset + 1] as number);
    const encrypted = (header & MPPE_BIT.encrypted) !== 0;
    if (encrypted !== (this.sessionKey !== undefined)) return encrypted ? 'malformed' : 'unencrypted';
    const flushed = (header & MPPE_BIT.flushed) !== 0;
    if (this.stateless && !flushed) return 'malformed';
    const count = header & MPPE_COUNT_MASK;
    const ahead = (count - this.last - 1) & MPPE_COUNT_MASK;
    const gap = sequence < 0 || this.lastSequence < 0 ? 0 : (sequence - this.lastSequence) | 0;
    if (ahead > LATE && gap <= ahead && !this.lost) return 'late';
    // Bit C means something only where MPPC was agreed on.
    const compressed = this.decoder !== undefined && (header & MPPE_BIT.compressed) !== 0;
    const at = offset + MPPE_HEADER_LENGTH;
    const size = length - MPPE_HEADER_LENGTH;
    this.remember();
    const verdict = this.stateless
      ? this.followStateless(ahead + 1, gap, now, slab, at, size, compressed)
      : this.followStateful(count, ahead + 1, gap, now, slab, at, size, header);
    if (verdict !== 'decrypted') return verdict;
    this.last = count;
    this.lastSequence = sequence;
    this.length = size;
    if (this.sessionKey !== undefined) this.tables.apply(slab, at, size);
    if (this.decoder !== undefined) {
      if (flushed) this.decoder.reset();
      if (compressed && !this.decompress(this.decoder, slab, at, header, room - MPPE_HEADER_LENGTH)) return 'garbage';
    }
    // More lost than GRE numbers are missing: possible, but not on the word of a packet that anybody may have made.
    if (this.stateless && ahead > 0 && gap <= ahead && !isSurelyIp(slab, at, this.length)) this.rewind();
    return 'decrypted';
  }

  /**
   * The key, if the datagram is the next one in order of an encrypted, stateless stream without compression, after those
   * already foreseen: then it may be left to a kernel, and afterwards `opened` is called for it, in order, or `forget`
   * for all that are left. Any other has to go to `decrypt`, and nothing may be foreseen then.
   */
  foresee(slab: Uint8Array, offset: number, length: number, sequence: number): MppeSessionKey | undefined {
    const { sessionKey } = this;
    if (sessionKey === undefined || !this.stateless || this.decoder !== undefined) return undefined;
    if (length <= MPPE_HEADER_LENGTH) return undefined;
    const header = ((slab[offset] as number) << 8) | (slab[offset + 1] as number);
    const next = (this.last + this.foreseen + 1) & MPPE_COUNT_MASK;
    if ((header & IN_ORDER) !== (MPPE_BIT.flushed | MPPE_BIT.encrypted | next)) return undefined;
    const before = this.foreseen === 0 ? this.lastSequence : this.foreseenSequence;
    const gap = sequence < 0 || before < 0 ? 0 : (sequence - before) | 0;
    // A whole cycle of the count may be missing.
    if (gap > 1 + MPPE_COUNT_MASK) return undefined;
    this.foreseen += 1;
    this.foreseenSequence = sequence;
    return sessionKey;
  }

  /** The kernel decrypted the next foreseen packet with the key at `keys[at ..]`. As `decrypted`. */
  opened(keys: Uint8Array, at: number, sequence: number): void {
    const { sessionKey } = this;
    if (sessionKey !== undefined) this.earlierKey = sessionKey.replace(this.earlierKey, keys, at);
    this.earlierLast = this.last;
    this.earlierSequence = this.lastSequence;
    this.last = (this.last + 1) & MPPE_COUNT_MASK;
    this.lastSequence = sequence;
    this.foreseen -= 1;
  }

  /** What is foreseen and not yet opened will not be. */
  forget(): void {
    this.foreseen = 0;
  }

  /** The caller could read what came out: synchronisation holds. */
  accepted(): void {
    this.streak = 0;
  }

  /**
   * The caller found garbage in what `decrypt` gave last, or was told so. Returns how many times in a row, without
   * `accepted` between. The packet is forgotten; in stateful mode the stream is broken and waits for FLUSHED.
   */
  rejected(): number {
    this.streak += 1;
    this.rewind();
    if (!this.stateless) this.lost = true;
    return this.streak;
  }

  /** Whether it is time for a Reset-Request, since synchronisation is lost. True at most every half second. */
  asksForReset(now: number): boolean {
    if (!this.lost || (this.resets > 0 && now < this.askAt)) return false;
    this.resets += 1;
    this.askAt = now + ASK_AGAIN_MS;
    return true;
  }

  private remember(): void {
    if (this.sessionKey !== undefined) this.earlierKey.set(this.sessionKey.key);
    this.earlierLast = this.last;
    this.earlierSequence = this.lastSequence;
  }

  private rewind(): void {
    this.sessionKey?.restore(this.earlierKey);
    this.last = this.earlierLast;
    this.lastSequence = this.earlierSequence;
  }

  /** The key of packet n is n + 1 changes away from the initial one, so `steps` packets further means as many changes. */
  private followStateless(
    steps: number,
    gap: number,
    now: number,
    slab: Uint8Array,
    at: number,
    size: number,
    compressed: boolean,
  ): MppeVerdict {
    const { sessionKey } = this;
    if (sessionKey === undefined) return 'decrypted';
    if (gap > steps + MPPE_COUNT_MASK) {
      const search = this.searchFor(sessionKey);
      const found = search.findCycle(sessionKey.key, steps, gap, this.budget, now, slab, at, size, compressed);
      if (found === 'found') {
        sessionKey.restore(search.key);
        this.tables.init(sessionKey.key);
        return 'decrypted';
      }
      return found === 'nowhere' ? 'garbage' : 'decrypt-failed';
    }
    if (steps > 1 && !this.budget.spend(steps - 1, now)) return 'decrypt-failed';
    for (let i = 0; i < steps; i += 1) sessionKey.change();
    this.tables.init(sessionKey.key);
    return 'decrypted';
  }

  private followStateful(
    count: number,
    steps: number,
    gap: number,
    now: number,
    slab: Uint8Array,
    at: number,
    size: number,
    header: number,
  ): MppeVerdict {
    if ((header & MPPE_BIT.flushed) !== 0) return this.followFlushed(count, steps, gap, now, slab, at, size, header);
    if (this.lost || steps > 1) {
      this.lost = true;
      return this.asksForReset(now) ? 'reset-needed' : 'decrypt-failed';
    }
    // The packet expected, in a stream that goes on.
    if ((count & MPPE_FLAG) === MPPE_FLAG && this.sessionKey !== undefined) {
      this.sessionKey.change();
      this.tables.init(this.sessionKey.key);
    }
    return 'decrypted';
  }

  /** A fresh start of the tables `steps` packets further on; flag packets lost on the way changed the key too. */
  private followFlushed(
    count: number,
    steps: number,
    gap: number,
    now: number,
    slab: Uint8Array,
    at: number,
    size: number,
    header: number,
  ): MppeVerdict {
    const { sessionKey } = this;
    if (sessionKey === undefined) {
      this.regained();
      return 'decrypted';
    }
    const flag = (count & MPPE_FLAG) === MPPE_FLAG;
    const changes = ((this.last + steps + 1) >> 8) - ((this.last + 1) >> 8);
    if (steps === 1 && flag && !this.lost) {
      for (let i = 0; i < changes; i += 1) sessionKey.change();
    } else {
      const compressed = this.decoder !== undefined && (header & MPPE_BIT.compressed) !== 0;
      const cycles = Math.min(MOST_CYCLES, Math.max(0, Math.floor((gap - steps) / (MPPE_COUNT_MASK + 1))));
      const resets = Math.min(MOST_RESETS, this.resets) + (flag ? 0 : 1);
      if (!this.budget.spend(changes + CHANGES_PER_CYCLE * cycles + resets, now)) return 'decrypt-failed';
      const search = this.searchFor(sessionKey);
      let extra = search.findReset(sessionKey.key, changes, resets, cycles, slab, at, size, compressed);
      if (extra >= 0 && extra <= 1 && !flag) this.resetChangesKey = extra;
      // In order, and no IP packet with a good header: what the sender did before is likely.
      if (extra < 0 && steps === 1 && !this.lost) extra = flag ? 0 : this.resetChangesKey;
      if (extra < 0) {
        this.lost = true;
        return 'garbage';
      }
      for (let i = 0; i < changes + extra; i += 1) sessionKey.change();
    }
    this.tables.init(sessionKey.key);
    this.regained();
    return 'decrypted';
  }

  private searchFor(sessionKey: MppeSessionKey): KeySearch {
    this.search ??= new KeySearch(sessionKey.twin(), this.decoder !== undefined);
    return this.search;
  }

  private regained(): void {
    this.lost = false;
    this.resets = 0;
  }

  private decompress(decoder: MppcDecoder, slab: Uint8Array, at: number, header: number, room: number): boolean {
    if ((header & MPPE_BIT.atFront) !== 0) decoder.restart();
    const length = decoder.decode(slab, at, this.length);
    if (length < 0 || length > room) return false;
    slab.set(decoder.history.subarray(decoder.start, decoder.start + length), at);
    this.length = length;
    return true;
  }
}
