import { concatBytes } from '../../core/bytes/bytes.ts';
import { ipv4 } from '../../core/bytes/ipv4-address.ts';
import { type KeyStrength, MppeSessionKey } from '../../core/crypto/mppe-keys.ts';
import { Rc4 } from '../../core/crypto/rc4.ts';
import type { MppeReceiver, MppeVerdict } from '../../core/datapath/mppe-receiver.ts';
import type { MppeSender } from '../../core/datapath/mppe-sender.ts';
import { ipv4Packet } from './ipv4-packets.ts';

export const MASTER = Uint8Array.from({ length: 16 }, (_, i) => 0x30 + i);

/** A protocol field and an IPv4 packet that carries the number. */
export const plainOf = (n: number, filler: Uint8Array = Uint8Array.of(1, 2, 3)): Uint8Array => {
  const number = Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n);
  const payload = concatBytes(number, filler);
  return concatBytes(
    Uint8Array.of(0x00, 0x21),
    ipv4Packet({ source: ipv4(0x0a630002), destination: ipv4(0x0a000050), payload }),
  );
};
const numberIn = (plain: Uint8Array): number =>
  (((plain[22] ?? 0) << 24) | ((plain[23] ?? 0) << 16) | ((plain[24] ?? 0) << 8) | (plain[25] ?? 0)) >>> 0;

/** One datagram, header included. */
export const seal = (sender: MppeSender, plain: Uint8Array): Uint8Array => {
  const slab = new Uint8Array(2 + plain.length);
  slab.set(plain, 2);
  return slab.slice(0, 2 + sender.encrypt(slab, 2, plain.length));
};

export interface Arrival {
  readonly sequence?: number;
  readonly now?: number;
}

/** What the receiver makes of a datagram: the plain octets or the verdict. `garbage` is told to it, as the stage does. */
export const open = (
  receiver: MppeReceiver,
  datagram: Uint8Array,
  { sequence = -1, now = 0 }: Arrival = {},
): Uint8Array | Exclude<MppeVerdict, 'decrypted'> => {
  const slab = new Uint8Array(2048);
  slab.set(datagram);
  const verdict = receiver.decrypt(slab, 0, datagram.length, sequence, now, slab.length);
  if (verdict === 'garbage') receiver.rejected();
  if (verdict !== 'decrypted') return verdict;
  return slab.slice(2, 2 + receiver.length);
};

/** As `open`, but the number in the packet; a packet that is none is `garbage`. */
export const openNumber = (
  receiver: MppeReceiver,
  datagram: Uint8Array | undefined,
  arrival: Arrival = {},
): number | Exclude<MppeVerdict, 'decrypted'> => {
  if (datagram === undefined) throw new Error('there is no such datagram');
  const plain = open(receiver, datagram, arrival);
  if (typeof plain === 'string') return plain;
  if (plain[2] === 0x45 && plain[0] === 0 && plain[1] === 0x21) {
    receiver.accepted();
    return numberIn(plain);
  }
  receiver.rejected();
  return 'garbage';
};

/** How a peer treats its key when it starts its tables over: RFC 3078 section 8.2 keeps it, Linux changes it. */
export type ResetHabit = 'rfc' | 'linux';

/** A stateful sender, written after the two texts and not after ours: counts go on by one whatever happens. */
export class ModelSender {
  readonly #key: MppeSessionKey;
  readonly #tables = new Rc4();
  readonly #habit: ResetHabit;
  #count = 0;
  #flush = false;

  constructor(strength: KeyStrength, habit: ResetHabit) {
    this.#key = new MppeSessionKey(MASTER, strength);
    this.#tables.init(this.#key.key);
    this.#habit = habit;
  }

  flushNext(): void {
    this.#flush = true;
  }

  send(plain: Uint8Array): Uint8Array {
    const count = this.#count;
    this.#count = (count + 1) % 4096;
    const flag = count % 256 === 255;
    if (flag || (this.#flush && this.#habit === 'linux')) this.#key.change();
    const flushed = this.#flush || (flag && this.#habit === 'linux');
    if (flag || flushed) this.#tables.init(this.#key.key);
    this.#flush = false;
    const data = plain.slice();
    this.#tables.apply(data, 0, data.length);
    return concatBytes(Uint8Array.of((flushed ? 0x90 : 0x10) | (count >> 8), count & 255), data);
  }
}

/** A stateful receiver of either habit. `lost`: send a Reset-Request. */
export class ModelReceiver {
  readonly #key: MppeSessionKey;
  readonly #tables = new Rc4();
  readonly #habit: ResetHabit;
  #expected = 0;
  #discarding = false;

  constructor(strength: KeyStrength, habit: ResetHabit) {
    this.#key = new MppeSessionKey(MASTER, strength);
    this.#tables.init(this.#key.key);
    this.#habit = habit;
  }

  receive(datagram: Uint8Array): Uint8Array | 'lost' {
    const header = ((datagram[0] ?? 0) << 8) | (datagram[1] ?? 0);
    const count = header & 0xfff;
    const flushed = (header & 0x8000) !== 0;
    // Linux finds out that something is missing even when the packet that tells it is FLUSHED, and drops that packet.
    const gap = count !== this.#expected;
    if ((this.#discarding && !flushed) || (!this.#discarding && gap && (this.#habit === 'linux' || !flushed))) {
      this.#discarding = true;
      return 'lost';
    }
    while (this.#expected >> 8 !== count >> 8) {
      this.#key.change();
      this.#expected = (this.#expected + 256) % 4096;
    }
    if (count % 256 === 255 || (flushed && this.#habit === 'linux')) this.#key.change();
    if (flushed || count % 256 === 255) this.#tables.init(this.#key.key);
    this.#discarding = false;
    this.#expected = (count + 1) % 4096;
    const data = datagram.slice(2);
    this.#tables.apply(data, 0, data.length);
    return data;
  }
}
