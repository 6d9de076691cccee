import { parseIpNetwork } from '../bytes/ip-network.ts';
import { type Ipv4, ipv4, parseIpv4 } from '../bytes/ipv4-address.ts';
import type { SettingKind } from './settings.ts';

/** One line of text, not empty. */
export const text = (most = 1024): SettingKind<string> => ({
  expected: `text of 1 to ${most} characters without line breaks`,
  parse: (value) =>
    typeof value === 'string' && value.length > 0 && value.length <= most && !/[\r\n\0]/.test(value)
      ? value
      : undefined,
});

export const integer = (least: number, most: number, unit = ''): SettingKind<number> => ({
  expected: `a whole number from ${least} to ${most}${unit === '' ? '' : ` (${unit})`}`,
  parse: (value) => {
    const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
    return typeof number === 'number' && Number.isInteger(number) && number >= least && number <= most
      ? number
      : undefined;
  },
});

const TRUTHS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['on', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['off', false],
  ['0', false],
]);

/** Text or a number as text; nothing else becomes a word: a list of one `true` is no `true`. */
export const asWord = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';

export const toggle: SettingKind<boolean> = {
  expected: '`true` or `false` (also yes, no, on, off, 1, 0)',
  parse: (value) => (typeof value === 'boolean' ? value : TRUTHS.get(asWord(value).toLowerCase())),
};

export const oneOf = <const T extends string>(...choices: readonly T[]): SettingKind<T> => ({
  expected:
    choices.length === 1 ? `\`${choices[0]}\`` : `one of ${choices.map((choice) => `\`${choice}\``).join(', ')}`,
  parse: (value) => choices.find((choice) => choice === value),
});

export const absolutePath: SettingKind<string> = {
  expected: 'an absolute path',
  parse: (value) => (typeof value === 'string' && value.startsWith('/') && !value.includes('\0') ? value : undefined),
};

export const ipv4Address: SettingKind<Ipv4> = {
  expected: 'an IPv4 address such as 192.0.2.1',
  parse: (value) => (typeof value === 'string' ? parseIpv4(value) : undefined),
};

/** Addresses and networks in one list, as the set of all their addresses. */
export const ipv4Set = (most = 4096): SettingKind<ReadonlySet<Ipv4>> => ({
  expected: `addresses and networks such as 192.0.2.16/28, separated by commas, ${most} addresses in all at most`,
  parse: (value) => {
    const items = typeof value === 'string' ? split(value) : value;
    if (!Array.isArray(items)) return undefined;
    const addresses = new Set<Ipv4>();
    for (const item of items) {
      const network = typeof item === 'string' ? parseIpNetwork(item) : undefined;
      const [first] = network?.words ?? [];
      const [mask] = network?.masks ?? [];
      if (network?.family !== 4 || first === undefined || mask === undefined) return undefined;
      const count = ~mask >>> 0;
      if (addresses.size + count + 1 > most) return undefined;
      for (let n = 0; n <= count; n += 1) addresses.add(ipv4(first + n));
    }
    return addresses;
  },
});

/** A list; in the environment its items are separated by commas. Empty text is the empty list. */
export const list = <T>(item: SettingKind<T>, most = 64, least = 0): SettingKind<readonly T[]> => ({
  expected: `a list of ${least} to ${most} items, separated by commas, each ${item.expected}`,
  parse: (value) => {
    const items = typeof value === 'string' ? split(value) : value;
    if (!Array.isArray(items) || items.length < least || items.length > most) return undefined;
    const parsed: T[] = [];
    for (const one of items) {
      const result = item.parse(one);
      if (result === undefined) return undefined;
      parsed.push(result);
    }
    return parsed;
  },
});

const split = (value: string): string[] => (value.trim() === '' ? [] : value.split(',').map((item) => item.trim()));

/** Something of one's own: `parse` gets text (of the environment or the file) and returns undefined for what it refuses. */
export const custom = <T>(expected: string, parse: (value: string) => T | undefined): SettingKind<T> => ({
  expected,
  parse: (value) => (typeof value === 'string' ? parse(value) : undefined),
});
