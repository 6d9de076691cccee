import { MppeSessionKey } from '../crypto/mppe-keys.ts';
import { Rc4 } from '../crypto/rc4.ts';
import type { MppeStrength } from '../machine/ppp-link-types.ts';
import type { DropReason } from '../outcome.ts';
import { MPPE_BIT, MPPE_COUNT_MASK, MPPE_HEADER_LENGTH } from '../wire/mppe-header.ts';

/**
 * MPPE (RFC 3078), one object per direction, in place and without allocation per packet. Sections 3.1 (header), 7 (key
 * changes) and 8 (synchronisation) are the ones to read.
 *
 * The stateless key of packet n is n + 1 changes away from the initial session key, so a receiver catches up by counting.
 * In stateful mode one RC4 stream runs on from packet to packet; after a loss it has to wait for a FLUSHED packet.
 */
export interface MppeOptions {
  readonly strength: MppeStrength;
  readonly stateless: boolean;
  /**
   * Stateful only. RFC 3078 section 8.2 keeps the session key on a reset and starts its tables over. Linux and what
   * descends from its pppd changes the key with every FLUSHED packet instead; true does as they do. Default false.
   */
  readonly resetChangesKey?: boolean;
}

/** The low octet of the coherency count that makes a "flag" packet (RFC 3078 section 7.2). */
const FLAG = 0xff;
/** A count this far ahead is taken for a late packet: half of the 4096. */
const LATE = 2048;

export class MppeSender {
  private readonly sessionKey: MppeSessionKey;
  private readonly tables = new Rc4();
  private readonly stateless: boolean;
  private readonly resetChangesKey: boolean;
  private count = 0;
  private flush = false;

  constructor(masterKey: Uint8Array, options: MppeOptions) {
    this.sessionKey = new MppeSessionKey(masterKey, options.strength);
    this.stateless = options.stateless;
    this.resetChangesKey = options.resetChangesKey === true;
    this.tables.init(this.sessionKey.key);
  }

  /**
   * Encrypts `slab[offset .. offset + length)`, which starts with the inner protocol field, and writes the header to the
   * two octets in front: the MPPE datagram then starts at `offset - 2`.
   */
  encrypt(slab: Uint8Array, offset: number, length: number): void {
    const count = this.count;
    this.count = (count + 1) & MPPE_COUNT_MASK;
    const flag = (count & FLAG) === FLAG;
    let flushed = true;
    if (this.stateless || flag || (this.flush && this.resetChangesKey)) this.sessionKey.change();
    // A flag packet is marked FLUSHED too: the RFC does not ask for it, Linux changes its key by the mark alone.
    else flushed = this.flush;
    if (flushed) this.tables.init(this.sessionKey.key);
    this.flush = false;
    const header = (flushed ? MPPE_BIT.flushed : 0) | MPPE_BIT.encrypted | count;
    slab[offset - 2] = header >>> 8;
    slab[offset - 1] = header & 0xff;
    this.tables.apply(slab, offset, length);
  }

  /** The peer sent a CCP Reset-Request: the next packet starts the tables over and says so. */
  flushNext(): void {
    this.flush = true;
  }
}

/** `decrypted`, or why not; `reset-needed` is a drop as `decrypt-failed` that also asks for a CCP Reset-Request. */
export type MppeVerdict =
  | 'decrypted'
  | 'reset-needed'
  | Extract<DropReason, 'truncated' | 'malformed' | 'late' | 'unencrypted' | 'decrypt-failed'>;

/** While waiting for FLUSHED, ask again after so many packets: the first Reset-Request may have been lost. */
const ASK_AGAIN = 32;

export class MppeReceiver {
  private readonly sessionKey: MppeSessionKey;
  private readonly tables = new Rc4();
  private readonly stateless: boolean;
  private readonly resetChangesKey: boolean;
  /** Count of the last packet taken; the first one is expected to carry 0. */
  private last = MPPE_COUNT_MASK;
  private readonly earlierKey: Uint8Array;
  private earlierLast = MPPE_COUNT_MASK;
  /** Packets discarded since synchronisation was lost; -1 while it holds. */
  private discarded = -1;
  private streak = 0;

  constructor(masterKey: Uint8Array, options: MppeOptions) {
    this.sessionKey = new MppeSessionKey(masterKey, options.strength);
    this.stateless = options.stateless;
    this.resetChangesKey = options.resetChangesKey === true;
    this.earlierKey = this.sessionKey.key.slice();
    this.tables.init(this.sessionKey.key);
  }

  /**
   * Decrypts the MPPE datagram `slab[offset .. offset + length)` in place. When `decrypted`, the inner protocol field
   * begins at `offset + 2`. Otherwise the octets are as they came.
   */
  decrypt(slab: Uint8Array, offset: number, length: number): MppeVerdict {
    if (length <= MPPE_HEADER_LENGTH) return 'truncated';
    const header = ((slab[offset] as number) << 8) | (slab[offset + 1] as number);
    if ((header & MPPE_BIT.encrypted) === 0) return 'unencrypted';
    const count = header & MPPE_COUNT_MASK;
    const ahead = (count - this.last - 1) & MPPE_COUNT_MASK;
    if (ahead > LATE) return 'late';
    const flushed = (header & MPPE_BIT.flushed) !== 0;
    if (this.stateless) {
      if (!flushed) return 'malformed';
      this.followStateless(count, ahead + 1);
    } else if (flushed) this.followFlushed(count, ahead + 1);
    else if (this.discarded >= 0) return this.discard();
    else if (ahead > 0) return this.loseSync();
    else this.followStateful(count);
    this.tables.apply(slab, offset + MPPE_HEADER_LENGTH, length - MPPE_HEADER_LENGTH);
    return 'decrypted';
  }

  /** The caller could read what came out: synchronisation holds. */
  accepted(): void {
    this.streak = 0;
  }

  /**
   * The caller found garbage in what `decrypt` gave last. Returns how many times in a row, without `accepted` between.
   * In stateless mode the packet is forgotten, so that a forged count cannot lead the key away from the sender's.
   */
  rejected(): number {
    this.streak += 1;
    if (this.stateless) {
      this.sessionKey.restore(this.earlierKey);
      this.last = this.earlierLast;
    }
    return this.streak;
  }

  private followStateless(count: number, changes: number): void {
    this.earlierKey.set(this.sessionKey.key);
    this.earlierLast = this.last;
    for (let i = 0; i < changes; i += 1) this.sessionKey.change();
    this.tables.init(this.sessionKey.key);
    this.last = count;
  }

  /** The packet expected, in a stream that goes on. */
  private followStateful(count: number): void {
    if ((count & FLAG) === FLAG) {
      this.sessionKey.change();
      this.tables.init(this.sessionKey.key);
    }
    this.last = count;
  }

  /** A fresh start of the tables `steps` packets further on; flag packets lost on the way changed the key too. */
  private followFlushed(count: number, steps: number): void {
    let changes = ((this.last + steps + 1) >> 8) - ((this.last + 1) >> 8);
    if (this.resetChangesKey && (count & FLAG) !== FLAG) changes += 1;
    for (let i = 0; i < changes; i += 1) this.sessionKey.change();
    this.tables.init(this.sessionKey.key);
    this.last = count;
    this.discarded = -1;
  }

  private loseSync(): MppeVerdict {
    this.discarded = 0;
    return 'reset-needed';
  }

  private discard(): MppeVerdict {
    this.discarded += 1;
    if (this.discarded < ASK_AGAIN) return 'decrypt-failed';
    return this.loseSync();
  }
}
