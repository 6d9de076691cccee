import { type Ipv4, parseIpv4 } from '../../core/bytes/ipv4-address.ts';
import type { InnerNetwork } from '../../core/ports/profile.ts';
import { foldName } from './names.ts';

/** Takes a sentence about a mistake; the place is in it. */
export type Say = (mistake: string) => void;

export type Group = Readonly<Record<string, unknown>>;

export const isGroup = (value: unknown): value is Group =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A group of known keys of a parsed YAML document, and the mistakes that are found in it. */
export class Reading {
  readonly place: string;
  private readonly group: Group;
  private readonly say: Say;

  /** `value` must be a group with no other keys than these; an absent one is an empty group. */
  constructor(value: unknown, place: string, keys: readonly string[], say: Say) {
    this.place = place;
    this.say = say;
    const empty = value === undefined || value === null;
    if (!empty && !isGroup(value)) say(`${place} must be a group of keys.`);
    this.group = isGroup(value) ? value : {};
    for (const key of Object.keys(this.group).filter((one) => !keys.includes(one))) {
      say(`${this.at(key)}: there is no such key; known are ${keys.join(', ')}.`);
    }
  }

  get(key: string): unknown {
    return this.group[key] ?? undefined;
  }

  /** Undefined where there is none, or a wrong one, which has been said. */
  take<T>(key: string, parse: (value: unknown) => T | undefined, expected: string): T | undefined {
    const value = this.group[key];
    if (value === undefined) return undefined;
    // A key without a value says something, and nobody knows what.
    const parsed = value === null ? undefined : parse(value);
    if (parsed === undefined) this.say(`${this.at(key)} must be ${expected}.`);
    return parsed;
  }

  list<T>(key: string, parse: (value: unknown) => T | undefined, expected: string, most: number): T[] | undefined {
    return this.take(
      key,
      (value) => {
        const items: readonly unknown[] = Array.isArray(value) ? value : [value];
        const parsed = items.map(parse).filter((one) => one !== undefined);
        return parsed.length === items.length && items.length <= most ? parsed : undefined;
      },
      `a list of at most ${most}, each ${expected}`,
    );
  }

  at(key: string): string {
    return this.place === '' ? key : `${this.place}.${key}`;
  }
}

/** What is under `users`, by folded name. A name that is there twice is a mistake. */
export function readUsers<T>(
  value: unknown,
  say: Say,
  read: (value: unknown, place: string) => T,
): ReadonlyMap<string, T> {
  const users = new Map<string, T>();
  if (value === undefined || value === null) return users;
  if (!isGroup(value)) say('users must be a group of user names.');
  else {
    for (const [name, entry] of Object.entries(value)) {
      if (users.has(foldName(name))) say(`users.${name} is there twice: names that differ in case only are one user.`);
      users.set(foldName(name), read(entry, `users.${name}`));
    }
  }
  return users;
}

export const asText = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' && value.length <= 253 && !/\p{Cc}/u.test(value) ? value : undefined;

export const asAddress = (value: unknown): Ipv4 | undefined =>
  typeof value === 'string' ? parseIpv4(value) : undefined;

/** "10.1.0.0/16" with its host bits zero, or one address. */
export const asNetwork = (value: unknown): InnerNetwork | undefined => {
  const [, text = '', length] = /^([^/]+)(?:\/(\d{1,2}))?$/.exec(typeof value === 'string' ? value : '') ?? [];
  const network = parseIpv4(text);
  const prefixLength = length === undefined ? 32 : Number(length);
  if (network === undefined || prefixLength > 32 || network % 2 ** (32 - prefixLength) !== 0) return undefined;
  return { network, prefixLength };
};

export const holds = ({ network, prefixLength }: InnerNetwork, address: Ipv4): boolean =>
  Math.floor(network / 2 ** (32 - prefixLength)) === Math.floor(address / 2 ** (32 - prefixLength));

export const asInteger =
  (least: number, most: number) =>
  (value: unknown): number | undefined =>
    typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most ? value : undefined;

const MULTIPLES: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

/** A number, or one with k, M, G or T for thousands of it: "10M". */
export const asAmount =
  (least: number, most: number) =>
  (value: unknown): number | undefined => {
    const [, digits, unit = ''] = /^(\d{1,15}(?:\.\d{1,3})?) ?([kmgt]?)$/i.exec(String(value)) ?? [];
    const amount = Math.round(Number(digits) * (MULTIPLES[unit.toLowerCase()] ?? Number.NaN));
    return amount >= least && amount <= most ? amount : undefined;
  };

/** Seconds, or a number with s, m, h or d behind it: "8h". */
export const asSeconds =
  (least: number, most: number) =>
  (value: unknown): number | undefined => {
    const [, digits, unit = 's'] = /^(\d{1,9})([smhd]?)$/.exec(String(value)) ?? [];
    const seconds = Number(digits) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[unit === '' ? 's' : unit] ?? Number.NaN);
    return seconds >= least && seconds <= most ? seconds : undefined;
  };
