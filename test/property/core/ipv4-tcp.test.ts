import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readU16 } from '../../../core/bytes/bytes.ts';
import { AddressStage } from '../../../core/datapath/stages/address.stage.ts';
import { MssClampStage } from '../../../core/datapath/stages/mss-clamp.stage.ts';
import { checkIpv4, onesComplement, sumWords, updateChecksum } from '../../../core/wire/ipv4.ts';
import { findTcpMss } from '../../../core/wire/tcp.ts';
import { address, batchOf, livePackets, openSession, run } from '../../support/batches.ts';
import { tcp4, tcp6, tcpChecksumHolds } from '../../support/tcp-packets.ts';

const IPV4 = 0x0021;
const IPV6 = 0x0057;
const ALICE = address('10.99.0.2');

/** Octets that often look like a packet: right version, lengths near the truth. */
const packetLike = fc
  .tuple(
    fc.constantFrom(0x45, 0x46, 0x4f, 0x60, 0x00),
    fc.uint8Array({ maxLength: 120 }),
    fc.integer({ min: -3, max: 3 }),
  )
  .map(([first, bytes, slip]) => {
    if (bytes.length > 12) {
      bytes[0] = first;
      bytes[2] = 0;
      bytes[3] = bytes.length + slip;
      bytes[9] = 6;
    }
    return bytes;
  });

const tcpOption = fc.oneof(
  fc.constant([1]),
  fc.constant([3, 3, 7]),
  fc.constant([4, 2]),
  fc.integer({ min: 0, max: 0xffff }).map((mss) => [2, 4, mss >> 8, mss & 0xff]),
  fc.uint8Array({ maxLength: 6 }).map((bytes) => [...bytes]),
);
const tcpFields = fc.record({
  flags: fc.constantFrom(0x02, 0x12, 0x10, 0x18),
  options: fc.array(tcpOption, { maxLength: 6 }).map((options) => options.flat().slice(0, 40)),
  data: fc.uint8Array({ maxLength: 33 }),
});
const mtu = fc.integer({ min: 576, max: 1500 });

describe('IPv4 and TCP: any octets', () => {
  it('end in a verdict, never in an exception', () => {
    const session = openSession();
    session.address = ALICE;
    const sessions = { byCallId: () => undefined, byAddress: () => session };
    const stages = [new MssClampStage({ mtu: 1396 }), new AddressStage(sessions)];
    fc.assert(
      fc.property(
        packetLike,
        fc.constantFrom(IPV4, IPV6),
        fc.constantFrom('in', 'out'),
        (bytes, protocol, direction) => {
          for (const stage of stages) {
            const batch = batchOf([bytes], { session, protocol });
            const drops = run(direction === 'in' ? stage.inbound : stage.outbound, batch, direction);
            expect(drops).not.toHaveProperty('stage-fault');
            expect(batch.count + Object.values(drops).reduce((sum, count) => sum + count, 0)).toBe(1);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('that pass the check hold the whole packet', () => {
    fc.assert(
      fc.property(packetLike, (bytes) => {
        if (checkIpv4(bytes, 0, bytes.length) !== 'ok') return;
        expect(readU16(bytes, 2)).toBeLessThanOrEqual(bytes.length);
        expect(bytes.length).toBeGreaterThanOrEqual(20);
      }),
    );
  });
});

describe('MSS clamp: any TCP packet', () => {
  it.each([
    ['IPv4', tcp4, IPV4, 20, 40],
    ['IPv6', tcp6, IPV6, 40, 60],
  ] as const)(
    'keeps its checksum right and changes nothing but MSS and checksum (%s)',
    (_, build, protocol, tcpAt, less) => {
      fc.assert(
        fc.property(tcpFields, mtu, (fields, size) => {
          const before = build(fields);
          const batch = batchOf([before], { protocol });
          expect(run(new MssClampStage({ mtu: size }).inbound, batch)).toEqual({});
          const after = livePackets(batch)[0] ?? new Uint8Array(0);
          expect(tcpChecksumHolds(after)).toBe(true);
          const field = findTcpMss(before, tcpAt, before.length - tcpAt);
          const mine = (fields.flags & 2) !== 0 && field >= 0;
          const expected = before.slice();
          if (mine && readU16(before, field) > size - less) {
            expected.set([(size - less) >> 8, (size - less) & 0xff], field);
            expected.set(after.subarray(tcpAt + 16, tcpAt + 18), tcpAt + 16);
          }
          expect(after).toEqual(expected);
        }),
        { numRuns: 1000 },
      );
    },
  );
});

describe('incremental checksum: any change of one word', () => {
  it('verifies like a sum taken anew', () => {
    const words = fc.uint8Array({ minLength: 4, maxLength: 60 }).filter((bytes) => bytes.length % 2 === 0);
    fc.assert(
      fc.property(words, fc.nat(), fc.integer({ min: 0, max: 0xffff }), (bytes, pick, after) => {
        const at = (pick % (bytes.length / 2)) * 2;
        const checksum = onesComplement(sumWords(bytes, 0, bytes.length));
        const updated = updateChecksum(checksum, readU16(bytes, at), after);
        bytes.set([after >> 8, after & 0xff], at);
        expect([0, 0xffff]).toContain(onesComplement(sumWords(bytes, 0, bytes.length, updated)));
      }),
    );
  });
});
