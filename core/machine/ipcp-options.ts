import { readU32, writeU32 } from '../bytes/bytes.ts';
import { formatIpv4, type Ipv4, ipv4 } from '../bytes/ipv4-address.ts';
import type { ConfigOption } from '../wire/ppp-config.ts';
import type { IpcpServerSnapshot } from './link-snapshot.ts';
import type { Failure, OptionHandler, OptionVerdict } from './negotiation-types.ts';
import type { NetworkProfile } from './ppp-link-types.ts';

/** IPCP Configuration Option types (RFC 1332 section 3, RFC 1877 section 1). */
export const IPCP_OPTION = {
  /** Deprecated (RFC 1332 section 3.1): rejected. */
  addresses: 1,
  /** Van Jacobson and other header compression: rejected. */
  compression: 2,
  address: 3,
  primaryDns: 129,
  primaryWins: 130,
  secondaryDns: 131,
  secondaryWins: 132,
} as const;

export interface IpcpResult {
  readonly localAddress: Ipv4;
  readonly peerAddress: Ipv4;
  readonly dns: readonly Ipv4[];
}

export interface IpcpOptions extends OptionHandler {
  /** What was agreed, valid while IPCP is Opened; a failure when that is of no use. */
  result(): IpcpResult | Failure;
}

/** We assign: the peer gets the address of its session and the name servers it asks for. */
export class IpcpServerOptions implements IpcpOptions {
  readonly #profile: NetworkProfile;
  #tellAddress = true;
  #refusedAddress: Ipv4 | undefined;

  constructor(profile: NetworkProfile) {
    this.#profile = profile;
  }

  begin(): void {
    this.#tellAddress = true;
  }

  snapshot(): IpcpServerSnapshot {
    return { tellAddress: this.#tellAddress, refusedAddress: this.#refusedAddress };
  }

  restore({ tellAddress, refusedAddress }: IpcpServerSnapshot): void {
    this.#tellAddress = tellAddress;
    this.#refusedAddress = refusedAddress;
  }

  request(): readonly ConfigOption[] {
    return this.#tellAddress ? [option(IPCP_OPTION.address, this.#profile.localAddress)] : [];
  }

  judge({ type, data }: ConfigOption): OptionVerdict {
    const value = this.#value(type);
    if (value === undefined) return 'reject';
    if (data.length === 4 && readU32(data, 0) === value) return 'ack';
    if (type === IPCP_OPTION.address && data.length === 4) this.#refusedAddress = ipv4(readU32(data, 0));
    return { nak: option(type, value).data };
  }

  missing(present: readonly ConfigOption[]): readonly ConfigOption[] {
    if (present.some(({ type }) => type === IPCP_OPTION.address)) return [];
    return [option(IPCP_OPTION.address, this.#profile.peerAddress)];
  }

  agreed(): void {
    // Whatever was acknowledged equals the profile.
  }

  acknowledged(): void {
    // Nothing to learn.
  }

  nakked(): Failure | undefined {
    // Our address is not for the peer to choose; it is asked again, and left out if the peer insists.
    return undefined;
  }

  rejected(options: readonly ConfigOption[]): Failure | undefined {
    if (options.some(({ type }) => type === IPCP_OPTION.address)) this.#tellAddress = false;
    return undefined;
  }

  stalemate(unacceptable: readonly ConfigOption[]): Failure | undefined {
    const insists = unacceptable.some(
      ({ type, data }) => type === IPCP_OPTION.address && !(data.length === 4 && readU32(data, 0) === this.#assigned),
    );
    if (!insists) return undefined;
    const wanted = this.#refusedAddress === undefined ? 'another address' : formatIpv4(this.#refusedAddress);
    const detail = `the peer insists on ${wanted}; its address is ${formatIpv4(this.#profile.peerAddress)}`;
    return { reason: 'negotiation-failed', detail };
  }

  result(): IpcpResult {
    const { localAddress, peerAddress, dns } = this.#profile;
    return { localAddress, peerAddress, dns: dns.slice(0, 2) };
  }

  /** What the peer gets for this option; undefined: nothing. */
  #value(type: number): Ipv4 | undefined {
    const { dns, wins, peerAddress } = this.#profile;
    switch (type) {
      case IPCP_OPTION.address:
        return peerAddress;
      case IPCP_OPTION.primaryDns:
        return dns[0];
      case IPCP_OPTION.secondaryDns:
        return dns[1];
      case IPCP_OPTION.primaryWins:
        return wins[0];
      case IPCP_OPTION.secondaryWins:
        return wins[1];
      default:
        return undefined;
    }
  }

  get #assigned(): number {
    return this.#profile.peerAddress;
  }
}

const UNKNOWN = ipv4(0);

/** We are assigned: 0.0.0.0 is asked for, and what the peer naks with is taken (RFC 1332 section 3.3). */
export class IpcpClientOptions implements IpcpOptions {
  readonly #wanted = new Map<number, Ipv4>();
  #peerAddress = UNKNOWN;

  begin(): void {
    this.#wanted.clear();
    this.#wanted.set(IPCP_OPTION.address, UNKNOWN);
    this.#wanted.set(IPCP_OPTION.primaryDns, UNKNOWN);
    this.#wanted.set(IPCP_OPTION.secondaryDns, UNKNOWN);
    this.#peerAddress = UNKNOWN;
  }

  request(): readonly ConfigOption[] {
    return [...this.#wanted].map(([type, value]) => option(type, value));
  }

  judge({ type, data }: ConfigOption): OptionVerdict {
    // We have no address to give, so 0.0.0.0 from the peer cannot be answered with a better one.
    const usable = type === IPCP_OPTION.address && data.length === 4 && readU32(data, 0) !== UNKNOWN;
    return usable ? 'ack' : 'reject';
  }

  missing(): readonly ConfigOption[] {
    return [];
  }

  agreed(options: readonly ConfigOption[]): void {
    const address = options.find(({ type }) => type === IPCP_OPTION.address);
    this.#peerAddress = address === undefined ? UNKNOWN : ipv4(readU32(address.data, 0));
  }

  acknowledged(): void {
    // `#wanted` holds what was just acknowledged.
  }

  nakked(options: readonly ConfigOption[]): Failure | undefined {
    for (const { type, data } of options) {
      if (this.#wanted.has(type) && data.length === 4) this.#wanted.set(type, ipv4(readU32(data, 0)));
    }
    return undefined;
  }

  rejected(options: readonly ConfigOption[]): Failure | undefined {
    for (const { type } of options) {
      if (type === IPCP_OPTION.address) {
        return { reason: 'no-address', detail: 'the peer refuses to negotiate our address' };
      }
      this.#wanted.delete(type);
    }
    return undefined;
  }

  stalemate(): Failure | undefined {
    return undefined;
  }

  result(): IpcpResult | Failure {
    const localAddress = this.#wanted.get(IPCP_OPTION.address) ?? UNKNOWN;
    if (localAddress === UNKNOWN) return { reason: 'no-address', detail: 'the peer gave us no address' };
    const dns = [this.#wanted.get(IPCP_OPTION.primaryDns), this.#wanted.get(IPCP_OPTION.secondaryDns)].filter(
      (server) => server !== undefined && server !== UNKNOWN,
    );
    return {
      localAddress,
      peerAddress: this.#peerAddress,
      dns: dns.flatMap((server) => (server === undefined ? [] : [server])),
    };
  }
}

const option = (type: number, value: Ipv4): ConfigOption => {
  const data = new Uint8Array(4);
  writeU32(data, 0, value);
  return { type, data };
};
