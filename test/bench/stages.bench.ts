// CPU time of every stage by itself, in memory: what a packet costs between the two devices, and where.

import { runStep } from '../../core/datapath/lift.ts';
import { PacketBatch } from '../../core/datapath/packet-batch.ts';
import type { BatchStep, Stage } from '../../core/datapath/stage.ts';
import type { Direction } from '../../core/outcome.ts';
import { instant } from '../../core/time.ts';
import { silentTelemetry } from '../support/batches.ts';
import { numberOption, showSpread, spread } from './support/numbers.ts';
import { type Outcome, runBench } from './support/report.ts';
import { CLIENT, carry, fill, GATEWAY, makeEnds, packetDown, packetUp } from './support/tunnel-end.ts';

const BATCH = 64;
const ROUNDS = numberOption('rounds', 7);
const BATCHES = numberOption('batches', 300);
const SIZES = [64, 576, 1396] as const;

const nothing = (): void => undefined;

/** Nanoseconds by "direction stage". */
type Costs = Map<string, number>;

const runStages = (stages: readonly Stage[], direction: Direction, batch: PacketBatch, costs: Costs): void => {
  for (const stage of stages) {
    const step: BatchStep | undefined = direction === 'in' ? stage.inbound : stage.outbound;
    if (step === undefined) continue;
    const before = process.hrtime.bigint();
    runStep(step, stage.name, direction, batch, silentTelemetry, nothing);
    const name = `${direction} ${stage.name}`;
    costs.set(name, (costs.get(name) ?? 0) + Number(process.hrtime.bigint() - before));
  }
};

/** The way in needs packets of the other end; the other end's way out makes them and is not counted. */
const measure = (size: number): Map<string, number[]> => {
  const { gateway, client } = makeEnds();
  const [down, up] = [packetDown(size), packetUp(size)];
  const out = new PacketBatch(2 * BATCH);
  const inbound = new PacketBatch(2 * BATCH);
  const rounds = new Map<string, number[]>();
  for (let round = -1; round < ROUNDS; round += 1) {
    const costs: Costs = new Map();
    for (let turn = 0; turn < BATCHES; turn += 1) {
      const now = instant(round * BATCHES + turn);
      fill(out, down, BATCH);
      out.now = now;
      runStages(gateway.toReversed(), 'out', out, costs);
      fill(out, up, BATCH);
      runStages(client.toReversed(), 'out', out, new Map());
      carry(out, inbound, CLIENT, GATEWAY);
      inbound.now = now;
      runStages(gateway, 'in', inbound, costs);
      if (inbound.count !== BATCH) throw new Error(`${BATCH - inbound.count} packets were lost on the way`);
    }
    // The first round warms up.
    if (round < 0) continue;
    for (const [name, nanoseconds] of costs) {
      const perPacket = nanoseconds / 1000 / (BATCHES * BATCH);
      rounds.set(name, [...(rounds.get(name) ?? []), perPacket]);
      const [direction = ''] = name.split(' ');
      const total = `${direction} all`;
      const totals = rounds.get(total) ?? [];
      totals[round] = (totals[round] ?? 0) + perPacket;
      rounds.set(total, totals);
    }
  }
  return rounds;
};

const run = (): Outcome => {
  const results = SIZES.map((size) => ({ size, rounds: measure(size) }));
  /** In the order a packet meets them, the sum of a direction last. */
  const measured = [...(results[0]?.rounds.keys() ?? [])];
  const names = ['in', 'out'].flatMap((direction) => [
    ...measured.filter((name) => name.startsWith(`${direction} `) && !name.endsWith(' all')),
    `${direction} all`,
  ]);
  const sizes = results.map(({ size, rounds }) => ({
    size,
    stages: Object.fromEntries(names.map((name) => [name, spread(rounds.get(name) ?? [])])),
  }));
  const rows = names.map((name) => [
    name,
    ...sizes.map(({ stages }) => showSpread(stages[name] ?? { median: 0, min: 0, max: 0 })),
  ]);
  return {
    title: 'Stages of the pipeline',
    about: [
      `µs of one core per packet, in memory; MPPE-128 stateless, batches of ${BATCH}; median (min–max) of ${ROUNDS} rounds.`,
    ],
    tables: [{ rows: [['direction stage', ...SIZES.map((size) => `${size} octets`)], ...rows] }],
    verdicts: [],
    numbers: { batch: BATCH, rounds: ROUNDS, sizes },
  };
};

await runBench('stages', run);
