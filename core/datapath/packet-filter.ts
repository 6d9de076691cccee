import { readU32 } from '../bytes/bytes.ts';
import type { Direction } from '../outcome.ts';
import { IPV6_DESTINATION, IPV6_SOURCE } from '../wire/ipv6.ts';
import { FilterHeader, PORTS, UNKNOWN_PROTOCOL } from './packet-filter-header.ts';
import {
  type FilterList,
  type FilterNetwork,
  type FilterRule,
  PORT_PROTOCOLS,
  type PortRange,
} from './packet-filter-rules.ts';

/** One rule is so many numbers, read in place. An address takes one word for IPv4 and four for IPv6. */
const ALLOW = 0;
const PROTOCOL = 1;
const HAS_PORTS = 2;
const SOURCE_FROM = 3;
const SOURCE_TO = 4;
const DESTINATION_FROM = 5;
const DESTINATION_TO = 6;
const NETWORKS = 7;
/** Word and mask, for source and destination. */
const WIDTH_V4 = NETWORKS + 4;
const WIDTH_V6 = NETWORKS + 16;

const ANY_PROTOCOL = -2;
const MOST_PORT = 0xffff;
const IPV4_SOURCE = 12;
const IPV4_DESTINATION = 16;

type Version = 4 | 6;

/**
 * A compiled list of rules. The first rule that agrees with a packet decides.
 *
 * Only the first fragment of a packet has ports. A later fragment agrees with an `allow` rule whose ports it cannot show,
 * and with no `deny` rule that has ports: without its first fragment, which was judged by its ports, nobody can put it
 * together, and it cannot overwrite them, since a later fragment begins 8 octets behind them at the least. Where ports or
 * the protocol should be and cannot be read the packet agrees with no such `allow` rule and with every such `deny` rule.
 */
export class PacketFilter {
  readonly name: string;
  private readonly otherwise: boolean;
  private readonly in4: Int32Array;
  private readonly in6: Int32Array;
  private readonly out4: Int32Array;
  private readonly out6: Int32Array;

  constructor(name: string, { otherwise, rules }: FilterList) {
    this.name = name;
    this.otherwise = otherwise === 'allow';
    this.in4 = compile(rules, 'in', 4);
    this.in6 = compile(rules, 'in', 6);
    this.out4 = compile(rules, 'out', 4);
    this.out6 = compile(rules, 'out', 6);
  }

  /** Whether the IP packet at `at`, which is known to be whole, may pass. */
  allows(direction: Direction, b: Uint8Array, at: number): boolean {
    if ((b[at] ?? 0) >> 4 === 6) {
      header.readIpv6(b, at);
      return this.judge6(direction === 'in' ? this.in6 : this.out6, b, at);
    }
    header.readIpv4(b, at);
    return this.judge4(direction === 'in' ? this.in4 : this.out4, b, at);
  }

  private judge4(rules: Int32Array, b: Uint8Array, at: number): boolean {
    const source = readU32(b, at + IPV4_SOURCE) | 0;
    const destination = readU32(b, at + IPV4_DESTINATION) | 0;
    for (let rule = 0; rule < rules.length; rule += WIDTH_V4) {
      const networks = rule + NETWORKS;
      if ((source & word(rules, networks + 1)) !== word(rules, networks)) continue;
      if ((destination & word(rules, networks + 3)) !== word(rules, networks + 2)) continue;
      if (agrees(rules, rule)) return word(rules, rule + ALLOW) === 1;
    }
    return this.otherwise;
  }

  private judge6(rules: Int32Array, b: Uint8Array, at: number): boolean {
    for (let rule = 0; rule < rules.length; rule += WIDTH_V6) {
      const networks = rule + NETWORKS;
      if (!inNetwork6(rules, networks, b, at + IPV6_SOURCE)) continue;
      if (!inNetwork6(rules, networks + 8, b, at + IPV6_DESTINATION)) continue;
      if (agrees(rules, rule)) return word(rules, rule + ALLOW) === 1;
    }
    return this.otherwise;
  }
}

/** Read for each packet, and of no meaning between two of them. */
const header = new FilterHeader();

const word = (rules: Int32Array, at: number): number => rules[at] as number;

const inNetwork6 = (rules: Int32Array, at: number, b: Uint8Array, address: number): boolean => {
  for (let i = 0; i < 4; i += 1) {
    const mask = word(rules, at + 4 + i);
    if (mask === 0) return true;
    if ((readU32(b, address + 4 * i) & mask) !== word(rules, at + i)) return false;
  }
  return true;
};

const agrees = (rules: Int32Array, rule: number): boolean => {
  const protocol = word(rules, rule + PROTOCOL);
  if (protocol !== ANY_PROTOCOL && protocol !== header.protocol) {
    // Nobody can say that it is not this one.
    if (header.protocol !== UNKNOWN_PROTOCOL || word(rules, rule + ALLOW) === 1) return false;
  }
  if (word(rules, rule + HAS_PORTS) === 0) return true;
  if (header.ports === PORTS.absent) return word(rules, rule + ALLOW) === 1;
  if (header.ports === PORTS.hidden) return word(rules, rule + ALLOW) === 0;
  const { sourcePort, destinationPort } = header;
  return (
    sourcePort >= word(rules, rule + SOURCE_FROM) &&
    sourcePort <= word(rules, rule + SOURCE_TO) &&
    destinationPort >= word(rules, rule + DESTINATION_FROM) &&
    destinationPort <= word(rules, rule + DESTINATION_TO)
  );
};

const compile = (rules: readonly FilterRule[], direction: Direction, version: Version): Int32Array => {
  const numbers = rules
    .filter((rule) => rule.direction === undefined || rule.direction === direction)
    .filter(({ source, destination }) => [source, destination].every((one) => (one?.version ?? version) === version))
    .flatMap((rule) => rowsOf(rule, version));
  return Int32Array.from(numbers);
};

const ANY_PORT: readonly PortRange[] = [{ from: 0, to: MOST_PORT }];

/** One row for each pair of port ranges, and for each protocol with ports where only ports are given. */
const rowsOf = (rule: FilterRule, version: Version): number[] => {
  const { action, protocol, source, destination, sourcePorts, destinationPorts } = rule;
  const hasPorts = sourcePorts !== undefined || destinationPorts !== undefined;
  const networks = [...networkWords(source, version), ...networkWords(destination, version)];
  const protocols = protocol === undefined ? (hasPorts ? [...PORT_PROTOCOLS] : [ANY_PROTOCOL]) : [protocol];
  return protocols.flatMap((number) =>
    (sourcePorts ?? ANY_PORT).flatMap((from) =>
      (destinationPorts ?? ANY_PORT).flatMap((to) => [
        action === 'allow' ? 1 : 0,
        number,
        hasPorts ? 1 : 0,
        from.from,
        from.to,
        to.from,
        to.to,
        ...networks,
      ]),
    ),
  );
};

/** Words of the address, masked, and then of the mask. */
const networkWords = (network: FilterNetwork | undefined, version: Version): number[] => {
  const length = network?.prefixLength ?? 0;
  if (version === 4) {
    const mask = maskWord(length, 0);
    return [(network?.version === 4 ? network.address : 0) & mask, mask];
  }
  const masks = [0, 1, 2, 3].map((at) => maskWord(length, at));
  const { prefix, interfaceId } = network?.version === 6 ? network.address : { prefix: NOTHING, interfaceId: NOTHING };
  const words = [prefix.high, prefix.low, interfaceId.high, interfaceId.low];
  return [...words.map((one, at) => one & (masks[at] ?? 0)), ...masks];
};

const NOTHING = { high: 0, low: 0 };

/** The `at`-th word of the mask of so many bits. */
const maskWord = (prefixLength: number, at: number): number => {
  const bits = Math.min(32, Math.max(0, prefixLength - 32 * at));
  return bits === 0 ? 0 : -1 << (32 - bits);
};
