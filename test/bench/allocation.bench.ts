// What the pipeline takes of the heap for each packet once it is warm, by direction, and which functions take it. In
// memory, with everything between the two devices: stages, RxJS, counters.

import type { Direction } from '../../core/outcome.ts';
import { allocatedPerPacket } from './support/allocated-octets.ts';
import { allocationSites } from './support/allocation-sites.ts';
import { numberOption, showSpread, spread } from './support/numbers.ts';
import { type Outcome, runBench } from './support/report.ts';
import { SteadyStream } from './support/steady-stream.ts';

const ROUNDS = numberOption('rounds', 9);
const PACKETS = numberOption('packets', 100_000);
/** Packets after which nothing is compiled any more. */
const WARM_UP = numberOption('warm-up', 200_000);
/** Batches at a time: less than the part of the heap that is cleaned when it is full. */
const BATCHES = 32;
const SIZE = 576;
const SITES = 6;
const DIRECTIONS: readonly Direction[] = ['in', 'out'];

const shared = (text: number): string => text.toFixed(3);

/** Octets per packet over so many packets; rounds in which the heap was cleaned say nothing and are left out. */
const measure = (stream: SteadyStream, direction: Direction, packets: number): number => {
  let octets = 0;
  let counted = 0;
  for (let passed = 0; passed < packets; passed += stream.size) {
    const perPacket = allocatedPerPacket(stream, direction);
    if (perPacket === undefined) continue;
    octets += perPacket;
    counted += 1;
  }
  return counted === 0 ? Number.NaN : octets / counted;
};

const run = async (): Promise<Outcome> => {
  const found = [];
  for (const direction of DIRECTIONS) {
    const stream = new SteadyStream(BATCHES, SIZE);
    measure(stream, direction, WARM_UP);
    const rounds = Array.from({ length: ROUNDS }, () => measure(stream, direction, PACKETS));
    let packets = 0;
    const sites = await allocationSites(() => {
      for (; packets < PACKETS; packets += stream.size) {
        stream.prepare(direction);
        stream.deliver(direction);
      }
    }, 'deliver');
    const perSite = sites.map(({ name, octets }) => ({ name, octetsPerPacket: octets / packets }));
    found.push({ direction, octetsPerPacket: spread(rounds), sites: perSite });
  }
  return {
    title: 'Allocation per packet',
    about: [
      `Octets of heap per packet of ${SIZE} octets in the steady state, ${PACKETS} packets a round, batches of 64; median (min–max) of ${ROUNDS} rounds.`,
      'What is left is taken once per batch. The functions are those of a sampling heap profile, which is an estimate.',
    ],
    tables: [
      {
        rows: [
          ['direction', 'octets per packet'],
          ...found.map(({ direction, octetsPerPacket }) => [direction, showSpread(octetsPerPacket)]),
        ],
      },
      {
        title: 'Where',
        rows: [
          ['direction function', 'octets per packet'],
          ...found.flatMap(({ direction, sites }) =>
            sites
              .slice(0, SITES)
              .map(({ name, octetsPerPacket }) => [`${direction.padEnd(3)} ${name}`, shared(octetsPerPacket)]),
          ),
        ],
      },
    ],
    verdicts: [],
    numbers: { packets: PACKETS, rounds: ROUNDS, size: SIZE, directions: found },
  };
};

await runBench('allocation', run);
