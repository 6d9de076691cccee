import fc from 'fast-check';
import { expect, it } from 'vitest';
import { toHex } from '../../../core/bytes/hex.ts';
import { Ipv4Reassembly } from '../../../core/datapath/ip-reassembly.ts';
import { instant } from '../../../core/time.ts';
import { checkIpv4 } from '../../../core/wire/ipv4.ts';
import { fragmentIpv4 } from '../../../core/wire/ipv4-fragment.ts';
import { address, openSession } from '../../support/batches.ts';
import { ipv4Packet } from '../../support/ipv4-packets.ts';

const LIMITS = { datagrams: 8, perSession: 4, octets: 16_384 };
const A = address('10.0.0.1');
const B = address('10.0.0.2');

const make = () => {
  const lost: string[] = [];
  const reassembly = new Ipv4Reassembly(LIMITS, (reason, count) => void lost.push(`${reason} ${count}`));
  return { lost, reassembly };
};

const cut = (packet: Uint8Array, mtus: readonly number[]): readonly Uint8Array[] =>
  mtus.reduce<readonly Uint8Array[]>(
    (pieces, mtu) => pieces.flatMap((piece) => (piece.length > mtu ? (fragmentIpv4(piece, mtu) ?? []) : [piece])),
    [packet],
  );

it('gives back what was cut, in whatever order the pieces come, and however often', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1500, max: 9000 }),
      fc.array(fc.integer({ min: 68, max: 1400 }), { minLength: 1, maxLength: 3 }),
      fc.infiniteStream(fc.nat()),
      (length, mtus, random) => {
        const { reassembly, lost } = make();
        const session = openSession();
        const payload = Uint8Array.from({ length }, (_, i) => (i * 7) & 255);
        const whole = [1, 2].map((identification) =>
          ipv4Packet({ source: A, destination: B, payload, identification }),
        );
        const pieces = whole.flatMap((packet) => cut(packet, mtus));
        const shuffled = pieces.map((piece) => ({ piece, at: random.next().value })).toSorted((a, b) => a.at - b.at);
        const came: string[] = [];
        for (const { piece } of shuffled) {
          const result = reassembly.add(session, piece, 0, instant(0));
          if (typeof result !== 'string') came.push(toHex(result));
          else {
            expect(result).toBe('held');
            expect(reassembly.add(session, piece, 0, instant(0))).toBe('duplicate');
          }
        }
        expect(came.toSorted()).toEqual(whole.map(toHex).toSorted());
        expect(reassembly.waiting).toBe(0);
        expect(lost).toEqual([]);
      },
    ),
    { numRuns: 50 },
  );
});

it('takes any fragments of anybody without a fault, and keeps to its bounds', () => {
  const fragment = fc.record({
    identification: fc.integer({ min: 0, max: 20 }),
    word: fc.integer({ min: 1, max: 0x3fff }),
    payload: fc.uint8Array({ maxLength: 64 }),
    who: fc.nat(3),
    later: fc.integer({ min: 0, max: 10_000 }),
  });
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 100 }), (fragments) => {
      const { reassembly } = make();
      const sessions = [0, 1, 2, 3].map((at) => openSession([], { local: 10 + at }));
      let now = 0;
      for (const { identification, word, payload, who, later } of fragments) {
        now += later;
        const packet = ipv4Packet({ source: A, destination: B, payload, identification });
        packet[6] = word >> 8;
        packet[7] = word & 255;
        const session = sessions[who];
        if (session === undefined) throw new Error('no session');
        const result = reassembly.add(session, packet, 0, instant(now));
        if (typeof result !== 'string') expect(checkIpv4(result, 0, result.length)).toBe('ok');
        expect(reassembly.waiting).toBeLessThanOrEqual(LIMITS.datagrams);
      }
      for (const session of sessions) reassembly.forget(session);
      expect(reassembly.waiting).toBe(0);
    }),
  );
});
