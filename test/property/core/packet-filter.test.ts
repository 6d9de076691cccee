import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNetwork } from '../../../config/filters.ts';
import { PacketFilter } from '../../../core/datapath/packet-filter.ts';
import type { FilterList, FilterNetwork, FilterRule } from '../../../core/datapath/packet-filter-rules.ts';
import { checkIpv4 } from '../../../core/wire/ipv4.ts';
import { checkIpv6 } from '../../../core/wire/ipv6.ts';
import { filterReference } from '../../support/filter-reference.ts';

const network = (text: string): FilterNetwork => {
  const parsed = parseNetwork(text);
  if (parsed === undefined) throw new Error(`bad network in a test: ${text}`);
  return parsed;
};

/** Few values, so that rules and packets meet. */
const FOUR = [10, 11, 127, 128, 255] as const;
const networks = fc
  .constantFrom(
    ...['0.0.0.0/0', '10.0.0.0/8', '10.11.0.0/16', '10.11.127.128', '128.0.0.0/1', '255.0.0.0/8', '255.255.255.255'],
    ...['::/0', 'fd00::/8', 'fd00:1::/32', 'fd00:1::10', 'fd00:1::/126', '8000::/1', 'fd00:1:0:0:8000::/65'],
  )
  .map(network);
const ports = fc
  .array(fc.tuple(fc.constantFrom(0, 53, 80, 443, 65_535), fc.nat(20)), { minLength: 1, maxLength: 3 })
  .map((ranges) => ranges.map(([from, more]) => ({ from, to: Math.min(65_535, from + more) })));

const rule: fc.Arbitrary<FilterRule> = fc.record(
  {
    action: fc.constantFrom('allow' as const, 'deny' as const),
    direction: fc.constantFrom('in' as const, 'out' as const),
    protocol: fc.constantFrom(0, 1, 6, 17, 44, 50, 58, 132),
    source: networks,
    destination: networks,
    sourcePorts: ports,
    destinationPorts: ports,
  },
  { requiredKeys: ['action'] },
);
const list: fc.Arbitrary<FilterList> = fc.record({
  otherwise: fc.constantFrom('allow' as const, 'deny' as const),
  rules: fc.array(rule, { maxLength: 8 }),
});

const payload = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc
    .tuple(fc.constantFrom(53, 80, 443, 460), fc.constantFrom(53, 80, 443))
    .map(([a, b]) => Uint8Array.of(a >> 8, a & 255, b >> 8, b & 255, 0, 0, 0, 0)),
);
const ipv4 = fc
  .record({
    addresses: fc.array(fc.constantFrom(...FOUR), { minLength: 8, maxLength: 8 }),
    options: fc.nat(2),
    protocol: fc.constantFrom(1, 6, 17, 50, 132),
    fragment: fc.constantFrom(0, 0x2000, 0x2001, 1, 0x4000),
    payload,
    padding: fc.nat(3),
  })
  .map(({ addresses, options, protocol, fragment, payload, padding }) => {
    const header = 20 + 4 * options;
    const packet = new Uint8Array(header + payload.length + padding);
    packet.set([0x40 + header / 4, 0, 0, header + payload.length, 0, 1, fragment >> 8, fragment & 255, 64, protocol]);
    packet.set(addresses, 12);
    packet.set(payload, header);
    return packet;
  });
const extension = fc.record({
  kind: fc.constantFrom(0, 43, 44, 60),
  length: fc.constantFrom(0, 0, 0, 1, 255),
  offset: fc.constantFrom(0, 1, 8, 0xfff8),
});
const ipv6 = fc
  .record({
    source: fc.constantFrom('fd00:1::10', 'fd00:1::1', 'fd00:2::1', '8000::'),
    destination: fc.constantFrom('fd00:1::10', 'fd00:1::3', 'fe80::1', 'fd00:1::8000:0:0:1'),
    extensions: fc.array(extension, { maxLength: 10 }),
    protocol: fc.constantFrom(6, 17, 50, 58, 59),
    payload,
    padding: fc.nat(3),
  })
  .map(({ source, destination, extensions, protocol, payload, padding }) => {
    const body = extensions.flatMap(({ kind, length, offset }, at) => {
      const next = extensions[at + 1]?.kind ?? protocol;
      if (kind === 44) return [next, 0, offset >> 8, offset & 255, 0, 0, 0, 1];
      return [next, length, ...new Array<number>(6 + 8 * (length === 255 ? 0 : length)).fill(0)];
    });
    const size = body.length + payload.length;
    const packet = new Uint8Array(40 + size + padding);
    packet.set([0x60, 0, 0, 0, size >> 8, size & 255, extensions[0]?.kind ?? protocol, 64]);
    packet.set(octets6(source), 8);
    packet.set(octets6(destination), 24);
    packet.set(body, 40);
    packet.set(payload, 40 + body.length);
    return packet;
  });

const octets6 = (text: string): number[] => {
  const parsed = network(text);
  if (parsed.version !== 6) throw new Error('no IPv6 address');
  const { prefix, interfaceId } = parsed.address;
  return [prefix.high, prefix.low, interfaceId.high, interfaceId.low].flatMap((one) =>
    [24, 16, 8, 0].map((shift) => (one >>> shift) & 255),
  );
};

/** Any octets, but for those that make them a whole packet. */
const anything = fc.oneof(
  fc
    .tuple(fc.uint8Array({ minLength: 60, maxLength: 120, size: 'max' }), fc.integer({ min: 5, max: 15 }))
    .map(([packet, words]) => {
      packet.set([0x40 + words, 0, 0, packet.length]);
      return packet;
    }),
  fc.uint8Array({ minLength: 40, maxLength: 120, size: 'max' }).map((packet) => {
    packet.set([0x60, 0, 0, 0, 0, packet.length - 40]);
    return packet;
  }),
);
const directions = fc.constantFrom('in' as const, 'out' as const);

describe('a compiled packet filter', () => {
  it('says of any whole packet what the rules say, read one after the other', () => {
    fc.assert(
      fc.property(list, directions, fc.oneof(ipv4, ipv6), (rules, direction, packet) => {
        const slab = new Uint8Array(packet.length + 64).fill(0xff);
        slab.set(packet, 40);
        const said = new PacketFilter('test', rules).allows(direction, slab, 40);
        expect(said).toBe(filterReference(rules, direction, packet));
      }),
      { numRuns: 3000 },
    );
  });

  it('takes any octets that pass for a packet', () => {
    fc.assert(
      fc.property(list, directions, anything, (rules, direction, packet) => {
        const whole = [checkIpv4, checkIpv6].some((check) => check(packet, 0, packet.length) === 'ok');
        expect(whole).toBe(true);
        const said = new PacketFilter('test', rules).allows(direction, packet, 0);
        expect(said).toBe(filterReference(rules, direction, packet));
      }),
    );
  });
});
