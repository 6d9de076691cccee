// CPU time of MPPE and MPPC per packet, each mode and direction, in memory: the engines one packet at a time, and the
// stage over batches with each kernel.

import { MppeReceiver } from '../../core/datapath/mppe-receiver.ts';
import { type MppeOptions, MppeSender } from '../../core/datapath/mppe-sender.ts';
import { address } from '../support/batches.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { measureKernels } from './support/mppe-kernels.ts';
import { numberOption, showSpread, spread } from './support/numbers.ts';
import { type Outcome, runBench } from './support/report.ts';

const ROUNDS = numberOption('rounds', 7);
const PACKETS = numberOption('packets', 4_000);
const SIZES = [64, 576, 1396] as const;
const HEAD = 64;
const MASTER = new Uint8Array(16).fill(0x5a);

type Content = 'text' | 'noise';

interface Mode {
  readonly name: string;
  readonly options: MppeOptions;
  readonly content: Content;
}

const encryptions: readonly Mode[] = ([40, 56, 128] as const).flatMap((strength) =>
  [true, false].map(
    (stateless): Mode => ({
      name: `MPPE ${strength} ${stateless ? 'stateless' : 'stateful'}`,
      options: { strength, stateless },
      content: 'noise',
    }),
  ),
);
const compressions: readonly Mode[] = ([undefined, 128] as const).flatMap((strength) =>
  [true, false].flatMap((stateless) =>
    (['text', 'noise'] as const).map((content): Mode => {
      const what = strength === undefined ? 'MPPC' : `MPPE ${strength} + MPPC`;
      return {
        name: `${what} ${stateless ? 'stateless' : 'stateful'}, ${content}`,
        options: { strength, stateless, compression: true },
        content,
      };
    }),
  ),
);

/** Something like a page of HTML, or octets that nothing compresses. */
const contentOf = (content: Content, length: number): Uint8Array => {
  if (content === 'noise') return seededRandom(4).bytes(length);
  const words = ['<div class="', 'the ', 'of ', 'gateway', 'tunnel ', '</div>\n', 'packet ', '">', 'and ', 'client '];
  const choices = seededRandom(9).bytes(length);
  const text = Array.from(choices, (choice) => words[choice % words.length] ?? '').join('');
  return new TextEncoder().encode(text).slice(0, length);
};

const innerPacket = (content: Content, size: number): Uint8Array =>
  ipv4Packet({
    source: address('10.99.0.2'),
    destination: address('10.0.0.80'),
    payload: contentOf(content, size - 20),
  });

interface Measured {
  readonly out: number[];
  readonly in: number[];
  /** Octets of data behind the header, on average. */
  octets: number;
}

/** µs per packet of each round. Copying the packet into its place is part of it, as it is of any use. */
const measure = ({ options, content }: Mode, size: number): Measured => {
  const sender = new MppeSender(MASTER, options);
  const receiver = new MppeReceiver(MASTER, options);
  const packet = innerPacket(content, size);
  const plain = new Uint8Array(packet.length + 2);
  plain.set([0x00, 0x21]);
  plain.set(packet, 2);
  const slabs = Array.from({ length: PACKETS }, () => new Uint8Array(2048));
  const lengths = new Int32Array(PACKETS);
  const result: Measured = { out: [], in: [], octets: 0 };
  let sequence = 0;
  for (let round = -1; round < ROUNDS; round += 1) {
    const before = process.hrtime.bigint();
    for (let i = 0; i < PACKETS; i += 1) {
      const slab = slabs[i] as Uint8Array;
      slab.set(plain, HEAD);
      lengths[i] = sender.encrypt(slab, HEAD, plain.length);
    }
    const between = process.hrtime.bigint();
    for (let i = 0; i < PACKETS; i += 1) {
      const slab = slabs[i] as Uint8Array;
      const verdict = receiver.decrypt(slab, HEAD - 2, (lengths[i] as number) + 2, sequence, 0, 1900);
      if (verdict !== 'decrypted' || receiver.length !== plain.length)
        throw new Error(`${verdict} in packet ${sequence}`);
      sequence += 1;
    }
    const after = process.hrtime.bigint();
    // The first round warms up.
    if (round < 0) continue;
    result.out.push(Number(between - before) / 1000 / PACKETS);
    result.in.push(Number(after - between) / 1000 / PACKETS);
    result.octets = lengths.reduce((sum, length) => sum + length, 0) / PACKETS;
  }
  return result;
};

const run = async (): Promise<Outcome> => {
  const results = [...encryptions, ...compressions].map((mode) => ({
    mode: mode.name,
    sizes: SIZES.map((size) => {
      const measured = measure(mode, size);
      return { size, octets: Math.round(measured.octets), out: spread(measured.out), in: spread(measured.in) };
    }),
  }));
  const batches = await measureKernels({ sizes: SIZES, rounds: ROUNDS, packets: PACKETS });
  const columns = SIZES.map((size) => `${size} octets`);
  const modeRows = results.flatMap(({ mode, sizes }) =>
    (['out', 'in'] as const).map((direction) => [
      `${direction.padEnd(3)} ${mode}`,
      ...sizes.map((one) => showSpread(one[direction])),
      direction === 'out' ? String(sizes.at(-1)?.octets ?? '') : '',
    ]),
  );
  const kernelRows = batches.map(({ kernel, tunnels, direction, sizes }) => [
    `${direction.padEnd(3)} ${kernel}, ${tunnels === 1 ? '1 tunnel' : `${tunnels} tunnels`}`,
    ...sizes.map(({ cost }) => showSpread(cost)),
  ]);
  return {
    title: 'MPPE and MPPC',
    about: [`µs of one core per packet, ${PACKETS} packets a round; median (min–max) of ${ROUNDS} rounds.`],
    tables: [
      {
        title: 'The engines, one packet at a time',
        rows: [['direction mode', ...columns, `${SIZES.at(-1)} become`], ...modeRows],
      },
      {
        title: 'MPPE 128 stateless in the stage, batches of 64, kernels in turn',
        rows: [['direction kernel', ...columns], ...kernelRows],
      },
    ],
    verdicts: [],
    numbers: { packets: PACKETS, rounds: ROUNDS, modes: results, batches },
  };
};

await runBench('mppe-modes', run);
