import { concatBytes, readU16, readU32, writeU16, writeU32 } from '../bytes/bytes.ts';
import { type Bits64, type Ipv6, readBits64, readIpv6, writeBits64, writeIpv6 } from '../bytes/ipv6-address.ts';
import { ICMPV6, type Icmpv6Message, ND_HOP_LIMIT } from './icmpv6.ts';
import { isLinkLocal } from './ipv6.ts';

/** Neighbor Discovery options (RFC 4861 section 4.6, RFC 8106 section 5.1). */
const OPTION = { prefix: 3, mtu: 5, rdnss: 25 } as const;
const FIXED = 12;
const AUTONOMOUS = 0x40;
const ON_LINK = 0x80;

export interface AdvertisedPrefix {
  /** A /64. */
  readonly prefix: Bits64;
  readonly onLink: boolean;
  /** Hosts make addresses from it themselves (RFC 4862). */
  readonly autonomous: boolean;
  /** Seconds. */
  readonly validLifetime: number;
  readonly preferredLifetime: number;
}

/** A Router Advertisement (RFC 4861 section 4.2). */
export interface RouterAdvertisement {
  /** 0: this is no default router. Seconds. */
  readonly routerLifetime: number;
  /** 0: unspecified. */
  readonly hopLimit: number;
  readonly prefixes: readonly AdvertisedPrefix[];
  readonly mtu: number | undefined;
  readonly dns: readonly Ipv6[];
  /** Of the servers, in seconds. */
  readonly dnsLifetime: number;
}

/** Body of the ICMPv6 message. */
export const routerAdvertisementBody = (ra: RouterAdvertisement): Uint8Array => {
  const fixed = new Uint8Array(FIXED);
  fixed[0] = ra.hopLimit;
  writeU16(fixed, 2, ra.routerLifetime);
  return concatBytes(
    fixed,
    ...(ra.mtu === undefined ? [] : [mtuOption(ra.mtu)]),
    ...ra.prefixes.map(prefixOption),
    ...(ra.dns.length === 0 ? [] : [rdnssOption(ra.dns, ra.dnsLifetime)]),
  );
};

const mtuOption = (mtu: number): Uint8Array => {
  const out = Uint8Array.of(OPTION.mtu, 1, 0, 0, 0, 0, 0, 0);
  writeU32(out, 4, mtu);
  return out;
};

const prefixOption = (info: AdvertisedPrefix): Uint8Array => {
  const out = new Uint8Array(32);
  out[0] = OPTION.prefix;
  out[1] = 4;
  out[2] = 64;
  out[3] = (info.onLink ? ON_LINK : 0) | (info.autonomous ? AUTONOMOUS : 0);
  writeU32(out, 4, info.validLifetime);
  writeU32(out, 8, info.preferredLifetime);
  writeBits64(out, 16, info.prefix);
  return out;
};

const rdnssOption = (servers: readonly Ipv6[], lifetime: number): Uint8Array => {
  const out = new Uint8Array(8 + 16 * servers.length);
  out[0] = OPTION.rdnss;
  out[1] = out.length / 8;
  writeU32(out, 4, lifetime);
  for (const [at, server] of servers.entries()) writeIpv6(out, 8 + 16 * at, server);
  return out;
};

/**
 * A Router Advertisement that passes the checks of RFC 4861 section 6.1.2, or undefined. Options we do not know are
 * passed over, prefixes that are no /64 too.
 */
export const parseRouterAdvertisement = (message: Icmpv6Message): RouterAdvertisement | undefined => {
  const { body } = message;
  if (message.type !== ICMPV6.routerAdvertisement || message.code !== 0) return undefined;
  if (message.hopLimit !== ND_HOP_LIMIT || body.length < FIXED || !fromLink(message)) return undefined;
  const prefixes: AdvertisedPrefix[] = [];
  const dns: Ipv6[] = [];
  let mtu: number | undefined;
  let dnsLifetime = 0;
  for (let at = FIXED; at < body.length; ) {
    const length = (body[at + 1] ?? 0) * 8;
    if (length === 0 || at + length > body.length) return undefined;
    if (body[at] === OPTION.mtu && length === 8) mtu = readU32(body, at + 4);
    else if (body[at] === OPTION.prefix && length === 32 && body[at + 2] === 64) prefixes.push(readPrefix(body, at));
    else if (body[at] === OPTION.rdnss && length >= 24) {
      dnsLifetime = readU32(body, at + 4);
      for (let server = at + 8; server + 16 <= at + length; server += 16) dns.push(readIpv6(body, server));
    }
    at += length;
  }
  return { routerLifetime: readU16(body, 2), hopLimit: body[0] ?? 0, prefixes, mtu, dns, dnsLifetime };
};

const readPrefix = (body: Uint8Array, at: number): AdvertisedPrefix => ({
  prefix: readBits64(body, at + 16),
  onLink: ((body[at + 3] ?? 0) & ON_LINK) !== 0,
  autonomous: ((body[at + 3] ?? 0) & AUTONOMOUS) !== 0,
  validLifetime: readU32(body, at + 4),
  preferredLifetime: readU32(body, at + 8),
});

const fromLink = (message: Icmpv6Message): boolean => {
  const source = new Uint8Array(16);
  writeIpv6(source, 0, message.source);
  return isLinkLocal(source, 0);
};

/** A Router Solicitation that passes the checks of RFC 4861 section 6.1.1 and 4.6. */
export const isRouterSolicitation = (message: Icmpv6Message): boolean =>
  message.type === ICMPV6.routerSolicitation &&
  message.code === 0 &&
  message.hopLimit === ND_HOP_LIMIT &&
  optionsAreWhole(message.body, 4);

/** The target of a Neighbor Solicitation that passes the checks of RFC 4861 section 7.1.1, or undefined. */
export const solicitedTarget = (message: Icmpv6Message): Ipv6 | undefined =>
  message.type === ICMPV6.neighborSolicitation &&
  message.code === 0 &&
  message.hopLimit === ND_HOP_LIMIT &&
  optionsAreWhole(message.body, 20)
    ? readIpv6(message.body, 4)
    : undefined;

const optionsAreWhole = (body: Uint8Array, from: number): boolean => {
  if (body.length < from) return false;
  let at = from;
  while (at < body.length) {
    const length = (body[at + 1] ?? 0) * 8;
    if (length === 0 || at + length > body.length) return false;
    at += length;
  }
  return true;
};

const ROUTER = 0x80;
const SOLICITED = 0x40;
const OVERRIDE = 0x20;

/** Body of a Neighbor Advertisement of a router (RFC 4861 section 4.4). A point-to-point link has no link-layer address. */
export const neighborAdvertisementBody = (target: Ipv6, solicited: boolean): Uint8Array => {
  const out = new Uint8Array(20);
  out[0] = ROUTER | OVERRIDE | (solicited ? SOLICITED : 0);
  writeIpv6(out, 4, target);
  return out;
};
