import { toBase64 } from '../bytes/base64.ts';
import { formatIpv4, parseIpv4 } from '../bytes/ipv4-address.ts';
import { type Bits64, formatPrefix64, parseIpv6Network } from '../bytes/ipv6-address.ts';
import type { InnerNetwork, ProfileEncryption, RateLimit, RateLimits, UserProfile } from '../ports/profile.ts';
import { base64, flag, type JsonObject, line, list, object, oneOf, parsed, type Reader, whole } from './read.ts';

const MOST_SECONDS = 0x7fffffff;
const MOST_OCTETS = Number.MAX_SAFE_INTEGER;

const address = parsed('an IPv4 address such as 192.0.2.1', parseIpv4);

const network = parsed('a network such as 192.168.7.0/24, with zeroes behind the prefix', (text) => {
  const [, quad = '', bits = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? [];
  const base = parseIpv4(quad);
  const prefixLength = Number(bits);
  if (base === undefined || prefixLength > 32) return undefined;
  const clean = prefixLength === 32 || (base & (0xffffffff >>> prefixLength)) === 0;
  return clean ? ({ network: base, prefixLength } satisfies InnerNetwork) : undefined;
});

const prefix64: Reader<Bits64> = parsed('an IPv6 prefix of 64 bits such as fd00:0:0:1::/64', (text) => {
  const found = parseIpv6Network(text);
  return found?.prefixLength === 64 ? found.prefix : undefined;
});

const rate = object<RateLimit>({ bitsPerSecond: whole(1, 1e12), burstOctets: whole(1, 2 ** 32) }, ['bitsPerSecond']);

/** A profile as services write it; see docs/webhook.md. */
export const readProfile: Reader<UserProfile> = object<UserProfile>({
  address,
  pool: line(64),
  idleSeconds: whole(0, MOST_SECONDS),
  sessionSeconds: whole(0, MOST_SECONDS),
  routes: list(network, 16),
  rate: object<RateLimits>({ up: rate, down: rate }),
  quotaOctets: whole(1, MOST_OCTETS),
  interimSeconds: whole(0, MOST_SECONDS),
  classes: list(base64(0, 253), 8),
  filter: line(64),
  dns: list(address, 2),
  wins: list(address, 2),
  mtu: whole(68, 65535),
  encryption: object<ProfileEncryption>({ required: flag, strengths: list(oneOf(40, 56, 128), 3) }, ['required']),
  ipv6Prefix: prefix64,
  message: line(253),
});

const rateJson = (limit: RateLimit | undefined): JsonObject | undefined =>
  limit && { bitsPerSecond: limit.bitsPerSecond, burstOctets: limit.burstOctets };

/** What `readProfile` reads back. Fields that are absent are `undefined`, which `JSON.stringify` leaves out. */
export const profileJson = (profile: UserProfile): JsonObject => {
  const { pool, idleSeconds, sessionSeconds, quotaOctets, interimSeconds, filter, mtu, message, encryption } = profile;
  return {
    address: profile.address === undefined ? undefined : formatIpv4(profile.address),
    pool,
    idleSeconds,
    sessionSeconds,
    routes: profile.routes?.map((route) => `${formatIpv4(route.network)}/${route.prefixLength}`),
    rate: profile.rate && { up: rateJson(profile.rate.up), down: rateJson(profile.rate.down) },
    quotaOctets,
    interimSeconds,
    classes: profile.classes?.map(toBase64),
    filter,
    dns: profile.dns?.map(formatIpv4),
    wins: profile.wins?.map(formatIpv4),
    mtu,
    encryption: encryption && { required: encryption.required, strengths: encryption.strengths },
    ipv6Prefix: profile.ipv6Prefix && formatPrefix64(profile.ipv6Prefix),
    message,
  };
};
