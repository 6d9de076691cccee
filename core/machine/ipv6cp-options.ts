import {
  type Bits64,
  bits64,
  equalBits64,
  isZeroBits64,
  readBits64,
  writeBits64,
  ZERO_BITS64,
} from '../bytes/ipv6-address.ts';
import type { RandomSource } from '../ports/random.ts';
import type { ConfigOption } from '../wire/ppp-config.ts';
import type { Ipv6cpOptionsSnapshot } from './link-snapshot.ts';
import type { Failure, OptionHandler, OptionVerdict } from './negotiation-types.ts';

/** IPV6CP Configuration Option types (RFC 5072 section 4, RFC 5172). Compression is rejected. */
export const IPV6CP_OPTION = { interfaceId: 1, compression: 2 } as const;

/** What both ends call themselves: the lower halves of their link-local addresses. */
export interface InterfaceIds {
  readonly localInterfaceId: Bits64;
  readonly peerInterfaceId: Bits64;
}

/** The universal/local bit is 0 in an identifier that is not made from an IEEE address (RFC 5072 section 4.1). */
const NOT_UNIVERSAL = 0xfdffffff;

/** Random, not zero and not one of `taken`. */
export const randomInterfaceId = (random: RandomSource, ...taken: readonly Bits64[]): Bits64 => {
  const { high, low } = readBits64(random.bytes(8), 0);
  let id = bits64(high & NOT_UNIVERSAL, low);
  while (isZeroBits64(id) || taken.some((other) => equalBits64(other, id))) id = bits64(id.high, id.low + 1);
  return id;
};

/**
 * Interface identifiers by RFC 5072 section 4.1, which is the same for both ends: each names itself, a zero or a
 * collision earns a suggestion. `local` is what we want to be; `peer` what we suggest when the peer has no name.
 */
export class Ipv6cpOptions implements OptionHandler {
  readonly #random: RandomSource;
  readonly #wanted: Bits64 | undefined;
  readonly #suggestion: Bits64 | undefined;
  #local = ZERO_BITS64;
  #peer = ZERO_BITS64;
  #lastNak: Bits64 | undefined;
  #tell = true;

  constructor(random: RandomSource, local?: Bits64, peer?: Bits64) {
    this.#random = random;
    this.#wanted = local;
    this.#suggestion = peer;
  }

  begin(): void {
    // The same in every negotiation of the link: addresses made from it stay valid.
    if (isZeroBits64(this.#local)) this.#local = this.#wanted ?? randomInterfaceId(this.#random);
    this.#peer = ZERO_BITS64;
    this.#lastNak = undefined;
    this.#tell = true;
  }

  snapshot(): Ipv6cpOptionsSnapshot {
    return { local: this.#local, peer: this.#peer, lastNak: this.#lastNak, tell: this.#tell };
  }

  restore({ local, peer, lastNak, tell }: Ipv6cpOptionsSnapshot): void {
    this.#local = local;
    this.#peer = peer;
    this.#lastNak = lastNak;
    this.#tell = tell;
  }

  request(): readonly ConfigOption[] {
    return this.#tell ? [interfaceIdOption(this.#local)] : [];
  }

  judge({ type, data }: ConfigOption): OptionVerdict {
    if (type !== IPV6CP_OPTION.interfaceId) return 'reject';
    if (data.length !== 8) return { nak: this.#suggest().data };
    const value = readBits64(data, 0);
    // Ours is never zero, so that both are cannot be.
    if (isZeroBits64(value) || equalBits64(value, this.#local)) return { nak: this.#suggest().data };
    return 'ack';
  }

  missing(present: readonly ConfigOption[]): readonly ConfigOption[] {
    return present.some(({ type }) => type === IPV6CP_OPTION.interfaceId) ? [] : [this.#suggest()];
  }

  agreed(options: readonly ConfigOption[]): void {
    const option = options.find(({ type }) => type === IPV6CP_OPTION.interfaceId);
    this.#peer = option === undefined ? ZERO_BITS64 : readBits64(option.data, 0);
  }

  acknowledged(): void {
    // `#local` is what was acknowledged.
  }

  nakked(options: readonly ConfigOption[]): Failure | undefined {
    for (const { type, data } of options) {
      if (type !== IPV6CP_OPTION.interfaceId || data.length !== 8) continue;
      const value = readBits64(data, 0);
      const ours = this.#lastNak !== undefined && equalBits64(value, this.#lastNak);
      const usable = !isZeroBits64(value) && !equalBits64(value, this.#peer) && !ours;
      this.#local = usable ? value : randomInterfaceId(this.#random, this.#peer, this.#local);
    }
    return undefined;
  }

  rejected(options: readonly ConfigOption[]): Failure | undefined {
    // The peer does not care what we are called; it will be told by our packets.
    if (options.some(({ type }) => type === IPV6CP_OPTION.interfaceId)) this.#tell = false;
    return undefined;
  }

  stalemate(): Failure | undefined {
    return { reason: 'negotiation-failed', detail: 'the peer takes no interface identifier but zero or ours' };
  }

  /** Valid while IPV6CP is Opened; a peer without an identifier is of no use. */
  result(): InterfaceIds | Failure {
    if (isZeroBits64(this.#peer))
      return { reason: 'negotiation-failed', detail: 'the peer has no interface identifier' };
    return { localInterfaceId: this.#local, peerInterfaceId: this.#peer };
  }

  #suggest(): ConfigOption {
    const earlier = this.#lastNak ?? this.#suggestion;
    // What was suggested before may be what we call ourselves by now.
    const usable = earlier !== undefined && !isZeroBits64(earlier) && !equalBits64(earlier, this.#local);
    this.#lastNak = usable ? earlier : randomInterfaceId(this.#random, this.#local);
    return interfaceIdOption(this.#lastNak);
  }
}

const interfaceIdOption = (value: Bits64): ConfigOption => {
  const data = new Uint8Array(8);
  writeBits64(data, 0, value);
  return { type: IPV6CP_OPTION.interfaceId, data };
};
