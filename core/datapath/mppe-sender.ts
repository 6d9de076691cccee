import { MppcEncoder } from '../compress/mppc-encoder.ts';
import { MppeSessionKey } from '../crypto/mppe-keys.ts';
import { Rc4 } from '../crypto/rc4.ts';
import type { MppeStrength } from '../machine/ppp-link-types.ts';
import { MPPE_BIT, MPPE_COUNT_MASK, MPPE_FLAG } from '../wire/mppe-header.ts';
import type { MppeSenderSnapshot } from './path-snapshot.ts';

/** What CCP agreed on for one direction. */
export interface MppeOptions {
  /** Undefined: not encrypted. */
  readonly strength: MppeStrength | undefined;
  readonly stateless: boolean;
  /** MPPC too, before encryption. */
  readonly compression?: boolean;
}

/** After so many packets that would have grown, in stateless mode, at most so many are sent without trying. */
const MOST_UNTRIED = 64;

/** Of all stateless streams: set up anew for each packet. */
const statelessTables = new Rc4();

/**
 * Send side of MPPE (RFC 3078) and MPPC (RFC 2118), which share one header: compress, then encrypt, in place and without
 * allocation per packet.
 *
 * After a Reset-Request the coherency count jumps to the next "flag" packet, as if the packets between had been lost. A
 * flag packet is FLUSHED and changes the key by itself, so peers agree on the key whether they keep it on a reset (RFC
 * 3078 section 8.2) or change it (Linux, which loses the key for good when another FLUSHED packet does not arrive);
 * and no two packets are ever encrypted with the same part of the key stream, of which section 9 warns.
 */
export class MppeSender {
  private sessionKey: MppeSessionKey | undefined;
  private readonly tables: Rc4;
  private readonly encoder: MppcEncoder | undefined;
  private readonly stateless: boolean;
  private count = 0;
  private flush = false;
  /** The history was emptied without the peer knowing: the next compressed packet has to say so. */
  private emptied = false;
  /** Packets still to be sent without trying to compress them; negative: until the next flag packet. */
  private untried = 0;
  private patience = 0;

  /** `masterKey` may be absent when nothing is encrypted. */
  constructor(masterKey: Uint8Array | undefined, options: MppeOptions) {
    this.stateless = options.stateless;
    this.tables = options.stateless ? statelessTables : new Rc4();
    this.encoder = options.compression === true ? new MppcEncoder() : undefined;
    if (options.strength === undefined || masterKey === undefined) return;
    this.sessionKey = new MppeSessionKey(masterKey, options.strength);
    this.tables.init(this.sessionKey.key);
  }

  /** A sender that goes on where another one was; undefined: this is no state of one. */
  static restored(state: MppeSenderSnapshot): MppeSender | undefined {
    const { stateless, key, tables, encoder } = state;
    // Packets would leave under a key stream that nobody knows.
    if (key !== undefined && !stateless && tables === undefined) return undefined;
    const sender = new MppeSender(undefined, { strength: undefined, stateless, compression: encoder !== undefined });
    sender.sessionKey = key && MppeSessionKey.restored(key);
    if (!stateless && tables !== undefined) sender.tables.restore(tables);
    if (encoder !== undefined && sender.encoder?.restore(encoder) !== true) return undefined;
    sender.count = state.count;
    sender.flush = state.flush;
    sender.emptied = state.emptied;
    sender.untried = state.untried;
    sender.patience = state.patience;
    return sender;
  }

  /** Between packets, and with none at a kernel. */
  state(): MppeSenderSnapshot {
    const { stateless, count, flush, emptied, untried, patience } = this;
    return {
      stateless,
      key: this.sessionKey?.state(),
      tables: stateless ? undefined : this.tables.state(),
      encoder: this.encoder?.state(),
      count,
      flush,
      emptied,
      untried,
      patience,
    };
  }

  /**
   * Compresses and encrypts `slab[offset .. offset + length)`, which starts with the inner protocol field, and writes
   * the header to the two octets in front: the datagram then starts at `offset - 2`. Returns the length of the data
   * behind the header, never more than `length`.
   */
  encrypt(slab: Uint8Array, offset: number, length: number): number {
    const { sessionKey } = this;
    if (this.flush && sessionKey !== undefined && !this.stateless) this.count |= MPPE_FLAG;
    const { count } = this;
    this.count = (count + 1) & MPPE_COUNT_MASK;
    const changes = sessionKey !== undefined && (this.stateless || (count & MPPE_FLAG) === MPPE_FLAG);
    let flushed = this.stateless || changes || this.flush;
    this.flush = false;
    let bits: number = sessionKey === undefined ? 0 : MPPE_BIT.encrypted;
    let size = length;
    if (this.encoder !== undefined) {
      size = this.compress(this.encoder, slab, offset, length, flushed);
      if (size < length) {
        bits |= this.encoder.atFront ? MPPE_BIT.compressed | MPPE_BIT.atFront : MPPE_BIT.compressed;
        if (this.emptied) flushed = true;
        this.emptied = false;
      }
    }
    if (flushed) bits |= MPPE_BIT.flushed;
    slab[offset - 2] = (bits | count) >>> 8;
    slab[offset - 1] = count & 0xff;
    if (sessionKey === undefined) return size;
    if (changes) sessionKey.change();
    if (flushed) this.tables.init(sessionKey.key);
    this.tables.apply(slab, offset, size);
    return size;
  }

  /**
   * The key, if packets may be left to a kernel: encrypted, stateless and not compressed. After the kernel has worked,
   * call `sealed` for each packet, in order, and `changed`; `encrypt` does all of it for one packet.
   */
  get kernelKey(): MppeSessionKey | undefined {
    return this.stateless && this.encoder === undefined ? this.sessionKey : undefined;
  }

  /** The kernel encrypted the packet at `offset` with the next key: writes its header in front of it. */
  sealed(slab: Uint8Array, offset: number): void {
    const { count } = this;
    slab[offset - 2] = (MPPE_BIT.flushed | MPPE_BIT.encrypted | count) >>> 8;
    slab[offset - 1] = count & 0xff;
    this.count = (count + 1) & MPPE_COUNT_MASK;
    this.flush = false;
  }

  /** `keys[at ..]` is the key of the packet that was sealed last. */
  changed(keys: Uint8Array, at: number): void {
    this.sessionKey?.load(keys, at);
  }

  /** The peer sent a CCP Reset-Request: the next packet is FLUSHED. */
  flushNext(): void {
    this.flush = true;
  }

  private compress(encoder: MppcEncoder, slab: Uint8Array, offset: number, length: number, flushed: boolean): number {
    if (flushed) {
      encoder.flush();
      if (this.untried < 0) this.untried = 0;
      this.emptied = false;
    }
    if (this.untried !== 0) {
      if (this.untried > 0) this.untried -= 1;
      return length;
    }
    const size = encoder.encode(slab, offset, length);
    if (size >= 0) {
      this.patience = 0;
      return size;
    }
    this.emptied = true;
    if (this.sessionKey !== undefined && !this.stateless) {
      // Compression goes on with a FLUSHED packet, and one out of turn would repeat the key stream: wait for a flag packet.
      this.untried = -1;
    } else {
      this.patience = Math.min(2 * this.patience + 1, MOST_UNTRIED);
      this.untried = this.patience;
    }
    return length;
  }
}
