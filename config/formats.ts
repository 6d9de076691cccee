import { type Ipv4, ipv4, parseIpv4 } from '../core/bytes/ipv4-address.ts';
import { parseIpv6, parseIpv6Network } from '../core/bytes/ipv6-address.ts';
import { asWord, integer, oneOf, toggle } from '../core/ports/setting-kinds.ts';
import type { Ipv4Network } from './types.ts';

// Settings of plug-ins and keys of the gateway are read alike.
export { integer, oneOf, toggle };

/**
 * A strict format: text from the environment and typed values from a file go through the same `parse`. Nothing is
 * guessed: "12abc" is not 12, "0x10" is not 16, 10.0.0.5/24 is not 10.0.0.0/24.
 */
export interface Format<T> {
  /** Completes "must be ..."; also the Format column of the documentation. */
  readonly expected: string;
  parse(value: unknown): T | undefined;
}

export const auto = oneOf('auto');
export const seconds = (least: number, most: number): Format<number> => integer(least, most, 'seconds');
export const milliseconds = (least: number, most: number): Format<number> => integer(least, most, 'milliseconds');

export const parseNetwork = (text: string): Ipv4Network | undefined => {
  const match = /^([\d.]+)\/(\d{1,2})$/.exec(text);
  const network = match?.[1] === undefined ? undefined : parseIpv4(match[1]);
  const prefixLength = Number(match?.[2]);
  if (network === undefined || prefixLength > 32) return undefined;
  const hostBits = prefixLength === 0 ? 0xffffffff : (1 << (32 - prefixLength)) - 1;
  return (network & hostBits) === 0 ? { network, prefixLength, text } : undefined;
};

/** Host addresses of a network: all but the first (network) and the last (broadcast). */
export const hostCount = (network: Ipv4Network): number => Math.max(0, 2 ** (32 - network.prefixLength) - 2);
export const firstHost = (network: Ipv4Network): Ipv4 => ipv4(network.network + 1);
export const isHostOf = (network: Ipv4Network, address: Ipv4): boolean =>
  address > network.network && address <= network.network + hostCount(network);

/** Whether `inner` is the network or a part of it. */
export const isWithin = ({ network, prefixLength }: Ipv4Network, inner: Ipv4Network): boolean =>
  inner.prefixLength >= prefixLength && inner.network >= network && inner.network < network + 2 ** (32 - prefixLength);

export const share: Format<number> = {
  expected: 'a number from 0 to 1, such as 0.001',
  parse: (value) => {
    const number = typeof value === 'string' && /^\d(\.\d{1,9})?$/.test(value) ? Number(value) : value;
    return typeof number === 'number' && number >= 0 && number <= 1 ? number : undefined;
  },
};

/** Text that `accept` takes; everything else is refused. */
const text = (expected: string, accept: (value: string) => boolean): Format<string> => ({
  expected,
  parse: (value) => (typeof value === 'string' && accept(value) ? value : undefined),
});

const isInterfaceName = (value: string): boolean => /^[^\s/:%]{1,15}$/.test(value) && value !== '.' && value !== '..';

export const ipv4Address = text('an IPv4 address such as 192.0.2.1', (value) => parseIpv4(value) !== undefined);

export const ipv4Network = (least: number, most: number): Format<string> =>
  text(`an IPv4 network such as 10.99.0.0/24, /${least} to /${most}, with its host bits zero`, (value) => {
    const network = parseNetwork(value);
    return network !== undefined && network.prefixLength >= least && network.prefixLength <= most;
  });

/** "staff=10.50.0.0/24", in its two parts. */
export const parseNamedNetwork = (
  value: string,
): { readonly name: string; readonly network: Ipv4Network } | undefined => {
  const [, name, rest] = /^([A-Za-z0-9][A-Za-z0-9._-]{0,62})=(.+)$/.exec(value) ?? [];
  const network = rest === undefined ? undefined : parseNetwork(rest);
  return name === undefined || network === undefined ? undefined : { name, network };
};

export const namedNetwork = (least: number, most: number): Format<string> =>
  text(
    `a name and an IPv4 network such as staff=10.50.0.0/24, /${least} to /${most}, with its host bits zero`,
    (value) => {
      const named = parseNamedNetwork(value);
      return named !== undefined && named.network.prefixLength >= least && named.network.prefixLength <= most;
    },
  );

export const ipv6Address = text('an IPv6 address such as 2001:db8::1', (value) => parseIpv6(value) !== undefined);

export const ipv6Network = (least: number, most: number): Format<string> =>
  text(`an IPv6 network such as fd00:99::/48, /${least} to /${most}, with its host bits zero`, (value) => {
    const network = parseIpv6Network(value);
    return network !== undefined && network.prefixLength >= least && network.prefixLength <= most;
  });

export const hostName = text('an IPv4 address or a host name', (value) =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/.test(value),
);
export const absolutePath = text('an absolute path', (value) => value.startsWith('/') && !value.includes('\0'));
export const interfaceName = text('the name of a network interface (15 characters at most)', isInterfaceName);
export const tunName = text('an interface name (15 characters at most), with one `%d` or none', (value) =>
  value.length <= 15 ? isInterfaceName(value.replace('%d', '0')) : false,
);
export const asciiName = text('1 to 63 printable ASCII characters', (value) => /^[\x20-\x7e]{1,63}$/.test(value));
export const methodName = text('a name of lower-case letters, digits and hyphens', (value) =>
  /^[a-z0-9]+(-[a-z0-9]+)*$/.test(value),
);
export const moduleName = text('a package name or a path', (value) => /^[^\s\0]+$/.test(value));
const isTraceLink = (value: string): boolean =>
  value.includes('{traceId}') && /^https?:\/\/[^\s/]/.test(value) && URL.canParse(value.replaceAll('{traceId}', '0'));
export const traceLink = text(
  'an http or https address with {traceId} in it, or empty',
  (value) => value === '' || isTraceLink(value),
);
export const secretText = text('text without line breaks', (value) => !/[\r\n\0]/.test(value));

/** Of a bearer: long enough not to be guessed, and nothing that a header cannot carry. */
export const accessToken = text(
  'empty, or 16 to 256 visible ASCII characters without spaces',
  (value) => value === '' || /^[\x21-\x7e]{16,256}$/.test(value),
);

/** The first format that takes the value. */
export const either = <A, B>(first: Format<A>, second: Format<B>): Format<A | B> => ({
  expected: `${first.expected}, or ${second.expected}`,
  parse: (value) => first.parse(value) ?? second.parse(value),
});

export const fileOrNone = either(absolutePath, oneOf('none'));

/** A list; in the environment and in flags its items are separated by commas. */
export const list = <T>(item: Format<T>, what: string, most = 64, least = 0): Format<readonly T[]> => ({
  expected: `a list of ${what} (${least === 0 ? `at most ${most}` : `${least} to ${most}`}), each ${item.expected}`,
  parse: (value) => {
    const items = typeof value === 'string' ? splitList(value) : value;
    if (!Array.isArray(items) || items.length < least || items.length > most) return undefined;
    const parsed: T[] = [];
    for (const one of items) {
      const result = item.parse(one);
      if (result === undefined || parsed.includes(result)) return undefined;
      parsed.push(result);
    }
    return parsed;
  },
});

const splitList = (value: string): string[] => (value.trim() === '' ? [] : value.split(',').map((item) => item.trim()));

export const mppeStrength: Format<40 | 56 | 128> = {
  expected: '`40`, `56` or `128`',
  parse: (value) => ([40, 56, 128] as const).find((bits) => String(bits) === asWord(value)),
};

/** An object as YAML or JSON writes it, or as JSON text; kept as JSON text. What is inside belongs to somebody else. */
export const jsonObject: Format<string> = {
  expected: 'an object, in the environment as JSON',
  parse: (value) => {
    try {
      const object: unknown = typeof value === 'string' ? JSON.parse(value) : value;
      return typeof object === 'object' && object !== null && !Array.isArray(object)
        ? JSON.stringify(object)
        : undefined;
    } catch {
      return undefined;
    }
  },
};
