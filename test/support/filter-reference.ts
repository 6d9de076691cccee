import type { FilterList, FilterNetwork, FilterRule, PortRange } from '../../core/datapath/packet-filter-rules.ts';
import type { Direction } from '../../core/outcome.ts';

/** What a person reads off a packet. `undefined` is "cannot be told", `none` "there are none in a later fragment". */
interface Facts {
  readonly version: 4 | 6;
  readonly source: bigint;
  readonly destination: bigint;
  readonly protocol: number | undefined;
  readonly ports: { readonly source: number; readonly destination: number } | 'none' | undefined;
}

const number = (octets: Uint8Array): bigint => octets.reduce((sum, octet) => sum * 256n + BigInt(octet), 0n);
const word = (b: Uint8Array, at: number): number => (b[at] ?? 0) * 256 + (b[at + 1] ?? 0);

const portsAt = (packet: Uint8Array, at: number): Facts['ports'] =>
  at + 4 <= packet.length ? { source: word(packet, at), destination: word(packet, at + 2) } : undefined;

const facts4 = (whole: Uint8Array): Facts => {
  const packet = whole.subarray(0, word(whole, 2));
  const header = ((packet[0] ?? 0) % 16) * 4;
  const isLater = word(packet, 6) % 0x2000 !== 0;
  return {
    version: 4,
    source: number(packet.subarray(12, 16)),
    destination: number(packet.subarray(16, 20)),
    protocol: packet[9],
    ports: isLater ? 'none' : portsAt(packet, header),
  };
};

const facts6 = (whole: Uint8Array): Facts => {
  const packet = whole.subarray(0, 40 + word(whole, 4));
  const addresses = {
    version: 6 as const,
    source: number(packet.subarray(8, 24)),
    destination: number(packet.subarray(24, 40)),
  };
  const lost: Facts = { ...addresses, protocol: undefined, ports: undefined };
  const walk = (next: number, at: number, isLater: boolean, seen: number): Facts => {
    if (![0, 43, 44, 60].includes(next)) {
      return { ...addresses, protocol: next, ports: isLater ? 'none' : portsAt(packet, at) };
    }
    if (isLater || seen === 8 || at + 8 > packet.length) return lost;
    const after = packet[at] ?? 0;
    if (next === 44) return walk(after, at + 8, Math.floor(word(packet, at + 2) / 8) !== 0, seen + 1);
    return walk(after, at + 8 + 8 * (packet[at + 1] ?? 0), isLater, seen + 1);
  };
  return walk(packet[6] ?? 0, 40, false, 0);
};

const inNetwork = (network: FilterNetwork | undefined, version: 4 | 6, address: bigint): boolean => {
  if (network === undefined) return true;
  if (network.version !== version) return false;
  const bits = version === 4 ? 32 : 128;
  const value =
    network.version === 4
      ? BigInt(network.address)
      : [network.address.prefix, network.address.interfaceId].reduce(
          (sum, { high, low }) => (sum << 64n) + (BigInt(high) << 32n) + BigInt(low),
          0n,
        );
  const shift = BigInt(bits - network.prefixLength);
  return value >> shift === address >> shift;
};

const inRanges = (ranges: readonly PortRange[] | undefined, port: number): boolean =>
  ranges?.some(({ from, to }) => port >= from && port <= to) ?? true;

const agrees = (rule: FilterRule, direction: Direction, facts: Facts): boolean => {
  const conservative = rule.action === 'deny';
  if (rule.direction !== undefined && rule.direction !== direction) return false;
  if (!inNetwork(rule.source, facts.version, facts.source)) return false;
  if (!inNetwork(rule.destination, facts.version, facts.destination)) return false;
  const hasPorts = rule.sourcePorts !== undefined || rule.destinationPorts !== undefined;
  const protocols = rule.protocol === undefined ? (hasPorts ? [6, 17, 33, 132] : undefined) : [rule.protocol];
  if (protocols !== undefined) {
    if (facts.protocol === undefined) return conservative;
    if (!protocols.includes(facts.protocol)) return false;
  }
  if (!hasPorts) return true;
  if (facts.ports === undefined) return conservative;
  if (facts.ports === 'none') return !conservative;
  return inRanges(rule.sourcePorts, facts.ports.source) && inRanges(rule.destinationPorts, facts.ports.destination);
};

/** What a filter is to say of a whole IP packet, written without a thought for speed. */
export const filterReference = (list: FilterList, direction: Direction, packet: Uint8Array): boolean => {
  const facts = (packet[0] ?? 0) >> 4 === 6 ? facts6(packet) : facts4(packet);
  const rule = list.rules.find((one) => agrees(one, direction, facts));
  return (rule?.action ?? list.otherwise) === 'allow';
};
