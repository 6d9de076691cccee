import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { parseIpv4 } from '../core/bytes/ipv4-address.ts';
import { parseIpv6 } from '../core/bytes/ipv6-address.ts';
import {
  type FilterAction,
  type FilterList,
  type FilterNetwork,
  type FilterRule,
  PORT_PROTOCOLS,
  type PortRange,
} from '../core/datapath/packet-filter-rules.ts';

export type FilterLists = Readonly<Record<string, FilterList>>;

export interface ReadFilters {
  readonly lists: FilterLists;
  /** Sentences, each beginning with the place in the file. */
  readonly mistakes: readonly string[];
}

const MOST_RULES = 1000;
const MOST_RANGES = 32;

const PROTOCOLS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    icmp: 1,
    tcp: 6,
    udp: 17,
    gre: 47,
    esp: 50,
    ah: 51,
    icmpv6: 58,
    sctp: 132,
  }),
);

const RULE_KEYS = ['action', 'direction', 'protocol', 'source', 'destination', 'sourcePorts', 'destinationPorts'];

type Group = Readonly<Record<string, unknown>>;
const isGroup = (value: unknown): value is Group =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads the file of PPTP_FILTERS_FILE. */
export const readFilters = (path: string): ReadFilters => {
  let tree: unknown;
  try {
    tree = parseYaml(readFileSync(path, 'utf8'), { logLevel: 'error' });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    return { lists: {}, mistakes: [`${path} cannot be read: ${reason}`] };
  }
  const { lists, mistakes } = parseFilters(tree);
  return { lists, mistakes: mistakes.map((mistake) => `${path}: ${mistake}`) };
};

/** The filters of a parsed YAML or JSON document. */
export const parseFilters = (tree: unknown): ReadFilters => {
  if (!isGroup(tree)) return { lists: {}, mistakes: ['it must hold filters by name.'] };
  const mistakes: string[] = [];
  const lists: Record<string, FilterList> = {};
  for (const [name, value] of Object.entries(tree)) {
    const say = (what: string): void => void mistakes.push(`${name}${what}`);
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name))
      say(': a name has letters, digits, ".", "_" and "-", at most 63.');
    const list = parseList(value, say);
    if (list !== undefined) lists[name] = list;
  }
  return { lists: mistakes.length === 0 ? lists : {}, mistakes };
};

type Say = (what: string) => void;

const parseList = (value: unknown, say: Say): FilterList | undefined => {
  if (!isGroup(value)) {
    say(' must have `default` and `rules`.');
    return undefined;
  }
  for (const key of Object.keys(value).filter((one) => one !== 'default' && one !== 'rules')) {
    say(`.${key}: there is no such key; a filter has \`default\` and \`rules\`.`);
  }
  const otherwise = parseAction(value['default']);
  const { rules = [] } = value;
  if (otherwise === undefined) say('.default must be `allow` or `deny`: what happens when no rule agrees.');
  if (!Array.isArray(rules) || rules.length > MOST_RULES) {
    say(`.rules must be a list of at most ${MOST_RULES} rules.`);
    return undefined;
  }
  const parsed = rules.map((rule, at) => parseRule(rule, (what) => say(`.rules[${at}]${what}`)));
  return otherwise === undefined ? undefined : { otherwise, rules: parsed };
};

const parseAction = (value: unknown): FilterAction | undefined =>
  value === 'allow' || value === 'deny' ? value : undefined;

const parseRule = (rule: unknown, say: Say): FilterRule => {
  const nothing: FilterRule = { action: 'deny' };
  if (!isGroup(rule)) {
    say(' must be a rule such as { action: allow, direction: in, protocol: tcp }.');
    return nothing;
  }
  for (const key of Object.keys(rule).filter((one) => !RULE_KEYS.includes(one))) {
    say(`.${key}: there is no such key; a rule has ${RULE_KEYS.join(', ')}.`);
  }
  const action = parseAction(rule['action']);
  if (action === undefined) say('.action must be `allow` or `deny`.');
  const part = <T>(key: string, parse: (value: unknown) => T | undefined, expected: string): T | undefined => {
    const value = rule[key];
    // What stands there without a value is a mistake: no limit at all is not what it was meant to be.
    if (value === undefined) return undefined;
    const parsed = parse(value);
    if (parsed === undefined) say(`.${key} must be ${expected}.`);
    return parsed;
  };
  const direction = part('direction', parseDirection, '`in` (from the peer) or `out` (to the peer)');
  const protocol = part('protocol', parseProtocol, `a number to 255, or one of ${[...PROTOCOLS.keys()].join(', ')}`);
  const source = part('source', parseNetwork, NETWORK);
  const destination = part('destination', parseNetwork, NETWORK);
  const sourcePorts = part('sourcePorts', parsePorts, PORTS);
  const destinationPorts = part('destinationPorts', parsePorts, PORTS);
  if (source !== undefined && destination !== undefined && source.version !== destination.version) {
    say(': source and destination are of different IP versions: no packet agrees.');
  }
  const hasPorts = sourcePorts !== undefined || destinationPorts !== undefined;
  if (hasPorts && protocol !== undefined && !PORT_PROTOCOLS.has(protocol)) say(': this protocol has no ports.');
  return {
    action: action ?? 'deny',
    ...(direction === undefined ? {} : { direction }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(source === undefined ? {} : { source }),
    ...(destination === undefined ? {} : { destination }),
    ...(sourcePorts === undefined ? {} : { sourcePorts }),
    ...(destinationPorts === undefined ? {} : { destinationPorts }),
  };
};

const NETWORK = 'a network such as 10.0.0.0/8 or fd00:1::/32 with its host bits zero, or one address';
const PORTS = `a port, a range such as 8000-8100, or a list of at most ${MOST_RANGES} of them`;

const parseDirection = (value: unknown): 'in' | 'out' | undefined =>
  value === 'in' || value === 'out' ? value : undefined;

const parseProtocol = (value: unknown): number | undefined => {
  if (typeof value === 'string') return PROTOCOLS.get(value.toLowerCase());
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255 ? value : undefined;
};

/** An address is the network of its own. */
export const parseNetwork = (value: unknown): FilterNetwork | undefined => {
  const match = typeof value === 'string' ? /^([^/]+)(?:\/(\d{1,3}))?$/.exec(value) : null;
  const [, text = '', length] = match ?? [];
  const four = parseIpv4(text);
  if (four !== undefined) {
    const prefixLength = length === undefined ? 32 : Number(length);
    if (prefixLength > 32) return undefined;
    const hostBits = prefixLength === 32 ? 0 : four % 2 ** (32 - prefixLength);
    return hostBits === 0 ? { version: 4, address: four, prefixLength } : undefined;
  }
  const six = parseIpv6(text);
  if (six === undefined) return undefined;
  const prefixLength = length === undefined ? 128 : Number(length);
  if (prefixLength > 128) return undefined;
  const words = [six.prefix.high, six.prefix.low, six.interfaceId.high, six.interfaceId.low];
  const clean = words.every((word, at) => {
    const bits = Math.min(32, Math.max(0, prefixLength - 32 * at));
    return word % 2 ** (32 - bits) === 0;
  });
  return clean ? { version: 6, address: six, prefixLength } : undefined;
};

const parsePorts = (value: unknown): readonly PortRange[] | undefined => {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (items.length === 0 || items.length > MOST_RANGES) return undefined;
  const ranges: PortRange[] = [];
  for (const item of items) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(String(item));
    const from = Number(match?.[1] ?? Number.NaN);
    const to = Number(match?.[2] ?? from);
    if (!(from <= to && to <= 0xffff)) return undefined;
    ranges.push({ from, to });
  }
  return ranges;
};
