import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { burstOf, octetsPerMs } from '../../../core/datapath/shape-bucket.ts';
import type { Direction } from '../../../core/outcome.ts';
import { address } from '../../support/batches.ts';
import { ipv4Packet } from '../../support/ipv4-packets.ts';
import { filterOf, TrafficRig } from '../../support/traffic-rig.ts';

const DENIED = 17;
const FILTER = filterOf({ otherwise: 'allow', rules: [{ action: 'deny', protocol: DENIED }] });
const LIMIT = { bitsPerSecond: 800_000, burstOctets: 4_000 };

const rate = fc.option(fc.constant(LIMIT), { nil: undefined });
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      direction: fc.constantFrom<Direction>('in', 'out'),
      sizes: fc.array(fc.integer({ min: 28, max: 1984 }), { minLength: 1, maxLength: 30 }),
      denied: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(200) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('shape' as const),
      up: rate,
      down: rate,
      filtered: fc.boolean(),
      quota: fc.option(fc.integer({ min: 1, max: 200_000 }), { nil: undefined }),
    }),
  },
);

describe('the traffic of a session', () => {
  it('is counted as it passes, once, in order; everything else is a named drop', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const rig = new TrafficRig();
        let name = 0;
        let offered = 0;
        let quota = Number.POSITIVE_INFINITY;
        for (const one of steps) {
          if (one.kind === 'wait') await rig.clock.advance(one.ms);
          else if (one.kind === 'shape') {
            quota = one.quota ?? Number.POSITIVE_INFINITY;
            rig.shape({
              rate: { ...(one.up && { up: one.up }), ...(one.down && { down: one.down }) },
              filter: one.filtered ? FILTER : undefined,
              quotaOctets: one.quota,
            });
          } else {
            const before = total(rig);
            const packets = one.sizes.map((size) => {
              name += 1;
              const source = address(one.direction === 'in' ? '10.99.0.2' : '10.0.0.1');
              const protocol = one.denied ? DENIED : 6;
              const payload = new Uint8Array(size - 20);
              payload.set([name >> 8, name & 255]);
              return ipv4Packet({ source, destination: address('10.0.0.9'), payload, protocol });
            });
            offered += packets.length;
            rig.send(one.direction, packets);
            if (before >= quota) expect(total(rig)).toBe(before);
          }
        }
        // What waits has its time.
        await rig.clock.advance(5_000);
        const sent = (direction: Direction) =>
          rig.passed.filter(({ bytes }) => (bytes[12] === 10 && bytes[13] === 99) === (direction === 'in'));
        for (const direction of ['in', 'out'] as const) {
          const names = sent(direction).map(({ bytes }) => (bytes[20] ?? 0) * 256 + (bytes[21] ?? 0));
          expect(names).toEqual(names.toSorted((a, b) => a - b));
        }
        expect(rig.usage).toEqual({
          packetsIn: sent('in').length,
          packetsOut: sent('out').length,
          octetsIn: sum(sent('in')),
          octetsOut: sum(sent('out')),
        });
        const dropped = Object.values(rig.drops).reduce((a, b) => a + b, 0);
        expect(rig.passed.length + dropped).toBe(offered);
        expect(rig.clock.pending).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('never exceeds its rate, what waited included', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ ms: fc.nat(60), sizes: fc.array(fc.integer({ min: 28, max: 1984 }), { maxLength: 20 }) }),
          {
            minLength: 1,
            maxLength: 20,
          },
        ),
        async (turns) => {
          const rig = new TrafficRig();
          rig.shape({ rate: { down: LIMIT } });
          const [source, destination] = [address('10.0.0.1'), address('10.99.0.2')];
          for (const { ms, sizes } of turns) {
            rig.send(
              'out',
              sizes.map((size) => ipv4Packet({ source, destination, payload: new Uint8Array(size - 20) })),
            );
            await rig.clock.advance(ms);
          }
          await rig.clock.advance(1_000);
          for (const [first, { at }] of rig.passed.entries()) {
            let octets = 0;
            for (const packet of rig.passed.slice(first)) {
              octets += packet.bytes.length;
              expect(octets).toBeLessThanOrEqual(burstOf(LIMIT) + (packet.at - at) * octetsPerMs(LIMIT) + 1e-3);
            }
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});

const total = ({ usage }: TrafficRig): number => (usage.octetsIn ?? 0) + (usage.octetsOut ?? 0);
const sum = (packets: readonly { readonly bytes: Uint8Array }[]): number =>
  packets.reduce((octets, { bytes }) => octets + bytes.length, 0);
