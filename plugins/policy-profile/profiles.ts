import type { RateLimit, RateLimits, UserProfile } from '../../core/ports/profile.ts';
import {
  asAddress,
  asAmount,
  asInteger,
  asNetwork,
  asSeconds,
  asText,
  isGroup,
  Reading,
  readUsers,
  type Say,
} from '../policy-kit/reading.ts';

/** Octets in and out together that a user may move in a day and a month, over all its sessions. */
export interface PeriodQuotas {
  readonly quotaPerDay?: number;
  readonly quotaPerMonth?: number;
}

export type FileProfile = UserProfile & PeriodQuotas;

export interface Profiles {
  /** For what neither the back-end nor an entry of the user says. */
  readonly everyone: FileProfile;
  /** By folded name; it goes before what the back-end says. */
  readonly users: ReadonlyMap<string, FileProfile>;
}

const SHARED_KEYS = [
  'pool',
  'rate',
  'quota',
  'quotaPerDay',
  'quotaPerMonth',
  'idle',
  'session',
  'interim',
  'filter',
  'dns',
  'wins',
  'mtu',
  'message',
] as const;
/** What two users cannot share. */
const OWN_KEYS = ['address', 'routes'] as const;

const MOST_BITS = 1e12;
const MOST_OCTETS = 2 ** 53 - 1;
const MOST_SECONDS = 366 * 86_400;

/** Reads the document; see docs/policies.md for its form. `counts`: there is somewhere to keep what users have moved. */
export const readProfiles = (tree: unknown, say: Say, counts = true): Profiles => {
  const reading = new Reading(tree, '', ['everyone', 'users'], say);
  const everyone = readProfile(reading.get('everyone'), 'everyone', SHARED_KEYS, say);
  const users = readUsers(reading.get('users'), say, (value, place) =>
    readProfile(value, place, [...OWN_KEYS, ...SHARED_KEYS], say),
  );
  sayTwice(users, say);
  const needing = [everyone, ...users.values()].some((one) => (one.quotaPerDay ?? one.quotaPerMonth) !== undefined);
  if (needing && !counts) say('quotaPerDay and quotaPerMonth need PPTP_POLICY_PROFILE_USAGE_FOLDER.');
  return { everyone, users };
};

const readProfile = (value: unknown, place: string, keys: readonly string[], say: Say): FileProfile => {
  const reading = new Reading(value, place, keys, say);
  const seconds = (key: string): number | undefined =>
    reading.take(
      key,
      asSeconds(0, MOST_SECONDS),
      'seconds, or a number with s, m, h or d behind it, such as 8h; 0: never',
    );
  const addresses = (key: string) => reading.list(key, asAddress, 'an IPv4 address', 2);
  const octets = (key: string) => reading.take(key, asAmount(1, MOST_OCTETS), 'octets, such as 500M or 10G');
  const profile: { readonly [Key in keyof FileProfile]: FileProfile[Key] | undefined } = {
    address: reading.take('address', asAddress, 'an IPv4 address'),
    routes: reading.list('routes', asNetwork, 'a network such as 10.8.0.0/16 with its host bits zero', 16),
    pool: reading.take('pool', asText, 'the name of a pool'),
    rate: readRates(reading, say),
    quotaOctets: octets('quota'),
    quotaPerDay: octets('quotaPerDay'),
    quotaPerMonth: octets('quotaPerMonth'),
    idleSeconds: seconds('idle'),
    sessionSeconds: seconds('session'),
    interimSeconds: seconds('interim'),
    filter: reading.take('filter', asText, 'the name of a filter of PPTP_FILTERS_FILE'),
    dns: addresses('dns'),
    wins: addresses('wins'),
    mtu: reading.take('mtu', asInteger(68, 1500), 'octets from 68 to 1500'),
    message: reading.take('message', asText, 'one line of text'),
  };
  return Object.fromEntries(Object.entries(profile).filter(([, one]) => one !== undefined));
};

const RATE = 'bits a second such as 20M, or { rate: 20M, burst: 500k } with the burst in octets';

/** `rate: 20M` for both ways, or `rate: { up: 2M, down: { rate: 20M, burst: 500k } }`. */
const readRates = (reading: Reading, say: Say): RateLimits | undefined => {
  const value = reading.get('rate');
  if (!isGroup(value)) {
    const both = reading.take('rate', asRate, RATE);
    return both === undefined ? undefined : { up: both, down: both };
  }
  const ways = new Reading(value, reading.at('rate'), ['up', 'down'], say);
  const up = ways.take('up', asRate, RATE);
  const down = ways.take('down', asRate, RATE);
  return { ...(up === undefined ? {} : { up }), ...(down === undefined ? {} : { down }) };
};

const asRate = (value: unknown): RateLimit | undefined => {
  const { rate, burst, ...others } = isGroup(value) ? value : { rate: value, burst: undefined };
  const bitsPerSecond = asAmount(1000, MOST_BITS)(rate);
  if (bitsPerSecond === undefined || Object.keys(others).length > 0) return undefined;
  if (burst === undefined) return { bitsPerSecond };
  const burstOctets = asAmount(1500, MOST_BITS)(burst);
  return burstOctets === undefined ? undefined : { bitsPerSecond, burstOctets };
};

/** Two users with one address would throw each other out. */
const sayTwice = (users: ReadonlyMap<string, UserProfile>, say: Say): void => {
  const owners = new Map<number, string>();
  for (const [name, { address }] of users) {
    if (address === undefined) continue;
    const owner = owners.get(address);
    if (owner !== undefined) say(`users.${name}.address is that of ${owner}.`);
    owners.set(address, name);
  }
};
