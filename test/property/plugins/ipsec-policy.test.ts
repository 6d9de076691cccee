import fc from 'fast-check';
import { expect, it } from 'vitest';
import { toHex } from '../../../core/bytes/hex.ts';
import { parseIpNetwork } from '../../../core/bytes/ip-network.ts';
import { PassedDatagrams } from '../../../core/datapath/passed-datagrams.ts';
import { Judge } from '../../../plugins/ipsec-policy/judge.ts';
import { address } from '../../support/batches.ts';
import { ipv4Packet } from '../../support/ipv4-packets.ts';
import { address6, ipv6Packet } from '../../support/ipv6-packets.ts';

const networks = ['0.0.0.0/0', '::/0'].map(parseIpNetwork).filter((one) => one !== undefined);
const everything = () => ({ destinations: networks, passed: new PassedDatagrams() });
const payload = fc.uint8Array({ maxLength: 80 });
const protocol = fc.oneof(fc.constantFrom(0, 1, 6, 17, 43, 44, 50, 51, 58, 60), fc.nat(255));
const packets = fc.oneof(
  payload,
  fc.tuple(protocol, payload, fc.nat(0x3fff)).map(([number, octets, word]) => {
    const source = address('10.99.0.2');
    const packet = ipv4Packet({ source, destination: address('10.9.0.5'), protocol: number, payload: octets });
    packet[6] = word >> 8;
    packet[7] = word & 255;
    return packet;
  }),
  fc
    .tuple(protocol, payload)
    .map(([nextHeader, octets]) =>
      ipv6Packet({ source: address6('fd00:99::2'), destination: address6('fd00:9::5'), nextHeader, payload: octets }),
    ),
);

it('judges any octets, changes none of them, and lets no whole packet of another protocol pass', () => {
  fc.assert(
    fc.property(packets, fc.constantFrom('source' as const, 'destination' as const), (packet, side) => {
      const before = toHex(packet);
      const passes = new Judge({ icmp: false, dns: false }).mayPass(packet, 0, packet.length, side, everything());
      expect(toHex(packet)).toBe(before);
      const isIpv4 =
        packet.length >= 20 && packet[0] === 0x45 && ((packet[2] ?? 0) << 8) + (packet[3] ?? 0) === packet.length;
      if (isIpv4 && passes) expect([17, 50, 51]).toContain(packet[9]);
    }),
    { numRuns: 2000 },
  );
});
