// What it costs that packets could be looked at while nobody does: the pipeline with its probe points against a copy
// without them, in memory and in turn. The copy is there twice, to show by how much two differ that are alike. Last, what
// a ratio costs the packets that it does not choose.
import { Subject } from 'rxjs';
import { PacketBatch } from '../../core/datapath/packet-batch.ts';
import { PacketTracing } from '../../core/datapath/packet-tracing.ts';
import { Probes } from '../../core/datapath/probe.ts';
import type { Stage } from '../../core/datapath/stage.ts';
import type { Direction } from '../../core/outcome.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { instant } from '../../core/time.ts';
import { Pipeline } from '../../gateway/pipeline.ts';
import { ENTRANCES } from '../../gateway/session/entrances.ts';
import { silentTelemetry } from '../support/batches.ts';
import { runBare } from './support/bare-pipeline.ts';
import { numberOption, showSpread, spread } from './support/numbers.ts';
import { type Outcome, runBench } from './support/report.ts';
import { CLIENT, carry, fill, GATEWAY, makeEnds, packetDown, packetUp } from './support/tunnel-end.ts';

const ROUNDS = numberOption('rounds', 11);
const BATCHES = numberOption('batches', 2_000);
const SIZE = 576;
const BATCH = 64;

/** A module of its own, so that the two copies are compiled each by itself. */
const again: { readonly runBare: typeof runBare } = await import(
  new URL('./support/bare-pipeline.js?again', import.meta.url).href
);

let time = 0;
const clock: Clock = { now: () => instant(time), schedule: () => () => undefined };
const nothing = async (): Promise<void> => undefined;

/** A device in memory that takes everything. */
class Device {
  readonly name: string;
  readonly driver = 'memory';
  readonly interfaceName = 'memory';
  readonly batches$ = new Subject<PacketBatch>();
  readonly start = nothing;
  readonly stop = nothing;
  taken = 0;

  constructor(name: string) {
    this.name = name;
  }

  write(batch: PacketBatch): number {
    this.taken += batch.count;
    return batch.count;
  }
}

interface Devices {
  readonly gre: Device;
  readonly tun: Device;
}
type Build = (devices: Devices, stages: readonly Stage[]) => void;

const withProbePoints =
  (trace: (probes: Probes) => void): Build =>
  ({ gre, tun }, stages) => {
    const probes = new Probes(clock, () => undefined);
    new Pipeline(gre, tun, stages, clock, silentTelemetry, probes).start((device) => {
      throw new Error(`${device} failed`);
    });
    trace(probes);
  };
const nobody = (): void => undefined;
/** The share is small, and chance never falls on it. */
const luckless = (probes: Probes): void => {
  const options = { perSecond: 1_000_000, uniform: () => 0.999, entrances: ENTRANCES };
  new PacketTracing(probes, nobody, options).addRule({ ratio: 0.001 });
};
const without =
  (run: typeof runBare): Build =>
  ({ gre, tun }, stages) => {
    run('in', gre, stages, tun, clock, silentTelemetry);
    run('out', tun, stages.toReversed(), gre, clock, silentTelemetry);
  };

interface Variant {
  readonly name: string;
  readonly build: Build;
}
const bare: Variant = { name: 'without probe points', build: without(runBare) };
/**
 * Compared with each other, the first being what the others are compared with. The ratio comes when the others are done:
 * in a gateway where nobody ever looks, the code is not compiled for somebody who does.
 */
const COMPARISONS: readonly (readonly Variant[])[] = [
  [
    bare,
    { name: 'without, a second copy', build: without(again.runBare) },
    { name: 'with, nobody looks', build: withProbePoints(nobody) },
  ],
  [bare, { name: 'with, a ratio that chose none', build: withProbePoints(luckless) }],
];

/** Stages that do nothing: what is left is the pipeline. */
const idleStages: readonly Stage[] = Array.from({ length: 10 }, (_, at) => ({
  name: `stage ${at}`,
  slot: at,
  inbound: { process: () => undefined },
  outbound: { process: () => undefined },
}));

/** Runs so many batches through and returns the ns that one took. */
type Runner = (batches: number) => number;

const idleRunner = (build: Build, direction: Direction): Runner => {
  const devices = { gre: new Device('gre-socket'), tun: new Device('tun') };
  build(devices, idleStages);
  const batch = new PacketBatch(BATCH);
  fill(batch, packetDown(SIZE), 1);
  const { batches$ } = direction === 'in' ? devices.gre : devices.tun;
  return (batches) => {
    const before = process.hrtime.bigint();
    for (let turn = 0; turn < batches; turn += 1) batches$.next(batch);
    return Number(process.hrtime.bigint() - before) / batches;
  };
};

const tunnelRunner = (build: Build, direction: Direction): Runner => {
  const ends = makeEnds();
  const devices = { gre: new Device('gre-socket'), tun: new Device('tun') };
  build(devices, ends.gateway);
  const far = { gre: new Device('gre-socket'), tun: new Device('tun') };
  without(runBare)(far, ends.client);
  const batch = new PacketBatch(2 * BATCH);
  const received = new PacketBatch(2 * BATCH);
  const prepare = (): PacketBatch => {
    fill(batch, direction === 'in' ? packetUp(SIZE) : packetDown(SIZE), BATCH);
    if (direction === 'out') return batch;
    far.tun.batches$.next(batch);
    carry(batch, received, CLIENT, GATEWAY);
    return received;
  };
  const [from, to] = direction === 'in' ? [devices.gre, devices.tun] : [devices.tun, devices.gre];
  return (batches) => {
    let nanoseconds = 0n;
    const had = to.taken;
    for (let turn = 0; turn < batches; turn += 1) {
      time += 1;
      const packets = prepare();
      const before = process.hrtime.bigint();
      from.batches$.next(packets);
      nanoseconds += process.hrtime.bigint() - before;
    }
    if (to.taken - had !== batches * BATCH) throw new Error(`${batches * BATCH - (to.taken - had)} packets were lost`);
    return Number(nanoseconds) / batches;
  };
};

const WORKS = [
  { name: 'ten idle stages, 1 packet', runner: idleRunner, batches: 100 * BATCHES },
  { name: `all stages, MPPE-128, ${BATCH} packets of ${SIZE} octets`, runner: tunnelRunner, batches: BATCHES / 10 },
] as const;

const compare = (variants: readonly Variant[], work: (typeof WORKS)[number], direction: Direction) => {
  const { name, runner, batches } = work;
  const runners = variants.map(({ build }) => ({ run: runner(build, direction), samples: [] as number[] }));
  for (const { run } of runners) run(batches);
  for (let round = 0; round < ROUNDS; round += 1) {
    // Each is first, second and so on in turn.
    for (let n = 0; n < runners.length; n += 1) {
      const one = runners[(round + n) % runners.length];
      one?.samples.push(one.run(batches));
    }
  }
  const measured = variants.map((variant, at) => {
    const samples = runners[at]?.samples ?? [];
    const changes = samples.map((value, round) => {
      const base = runners[0]?.samples[round] ?? value;
      return (100 * (value - base)) / base;
    });
    return { name: variant.name, nanoseconds: spread(samples), change: spread(changes) };
  });
  return { work: name, direction, batches, variants: measured };
};

const run = (): Outcome => {
  const results = COMPARISONS.flatMap((variants) =>
    WORKS.flatMap((work) => (['in', 'out'] as const).map((direction) => compare(variants, work, direction))),
  );
  const rows = results.flatMap(({ work, direction, variants }) =>
    variants.map(({ name, nanoseconds, change }) => [
      `${direction.padEnd(3)} ${work}: ${name}`,
      showSpread(nanoseconds),
      showSpread(change),
    ]),
  );
  return {
    title: 'Cost of the probe points while nobody looks',
    about: [
      `ns per batch, in memory; median (min–max) of ${ROUNDS} rounds; changes in % against the first in the same round.`,
    ],
    tables: [{ rows: [['direction work: pipeline', 'ns per batch', 'change'], ...rows] }],
    verdicts: [],
    numbers: { rounds: ROUNDS, results },
  };
};

await runBench('telemetry-off', run);
