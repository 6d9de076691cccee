// What packet traces cost: TCP through one tunnel each of several gateways, which differ in what they trace, in turn. The
// spans go to a collector on loopback, so that making and sending them is in the numbers.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { packetsOf } from './support/children.ts';
import { type Collected, SENDS_TRACES, startCollector } from './support/collector.ts';
import { listOption, numberOption, showMaybe } from './support/numbers.ts';
import { type Outcome, runBench } from './support/report.ts';
import { DIRECTIONS, gatewayState, type Sample, spreadOf, startTunnel, transfer, type Way } from './support/ways.ts';
import { type Bench, withNamespaces } from './support/with-namespaces.ts';

const ROUNDS = numberOption('rounds', 3);
const SECONDS = numberOption('seconds', 3);
/** A gateway that traces seldom takes a while until that code is compiled, too. */
const WARM_UP_SECONDS = numberOption('warm-up', 3);
/** Until what was traced is sent: the next gateway shall have the machine to itself. */
const SETTLE_MS = 1_000;

interface Mode {
  readonly name: string;
  /** Undefined: the SDK is not even loaded. */
  readonly ratio?: string;
  /** Packets traced in a second at most. */
  readonly perSecond?: string;
}

const NO_LIMIT = '1000000';
/** The first is what the others are compared with; the second shows by how much two gateways differ that are alike. */
const ALL_MODES: readonly Mode[] = [
  { name: 'off' },
  { name: 'off again' },
  { name: 'tunnels only', ratio: '0' },
  { name: '1 of 1000', ratio: '0.001', perSecond: NO_LIMIT },
  { name: '1 of 10', ratio: '0.1', perSecond: NO_LIMIT },
  { name: 'all', ratio: '1', perSecond: NO_LIMIT },
  { name: 'all up to 100/s', ratio: '1', perSecond: '100' },
];
const wanted = listOption('modes');
const MODES = ALL_MODES.filter(({ name }, index) => index === 0 || wanted === undefined || wanted.includes(name));

interface Subject {
  readonly mode: Mode;
  readonly way: Way;
  readonly collected: () => Collected;
}

/** A sample and how it compares with that of `off` in the same round, in percent. */
interface Compared extends Sample {
  readonly throughputChange?: number;
  readonly cpuChange?: number;
}

const startMode = async (mode: Mode, { namespace, children, state }: Bench, index: number): Promise<Subject> => {
  const [gateway, client] = [namespace(), namespace()];
  const folder = join(state, String(index));
  await mkdir(folder);
  const common = await gatewayState(folder);
  if (mode.ratio === undefined) {
    const way = await startTunnel(mode.name, [gateway, client], children, common);
    return { mode, way, collected: () => ({ octets: 0, packets: 0 }) };
  }
  const collected = await startCollector(children, gateway, join(folder, 'collected.json'));
  const env = {
    ...common,
    ...SENDS_TRACES,
    PPTP_TRACE_PACKETS_RATIO: mode.ratio,
    ...(mode.perSecond === undefined ? {} : { PPTP_TRACE_PACKETS_PER_SECOND: mode.perSecond }),
  };
  return { mode, way: await startTunnel(mode.name, [gateway, client], children, env), collected };
};

const change = (value: number | undefined, reference: number | undefined): number | undefined =>
  value === undefined || reference === undefined ? undefined : (100 * (value - reference)) / reference;

const compare = (sample: Sample, off: Sample): Compared => {
  const throughputChange = change(sample.megabits, off.megabits);
  const cpuChange = change(sample.gatewayMicroseconds, off.gatewayMicroseconds);
  return {
    ...sample,
    ...(throughputChange === undefined ? {} : { throughputChange }),
    ...(cpuChange === undefined ? {} : { cpuChange }),
  };
};

const carried = ({ carriers }: Way): number => (carriers === undefined ? 0 : packetsOf(carriers.ns, carriers.device));

const run = async (bench: Bench): Promise<Outcome> => {
  const subjects: Subject[] = [];
  for (const [index, mode] of MODES.entries()) subjects.push(await startMode(mode, bench, index));
  const cases = DIRECTIONS.flatMap((direction) =>
    subjects.map((subject) => ({ ...subject, direction, samples: [] as Compared[], octets: 0, traced: 0, packets: 0 })),
  );
  const measure = async ({ way, direction }: (typeof cases)[number], seconds: number): Promise<Sample> => {
    const sample = await transfer(bench.children, way, direction, seconds);
    await pause(SETTLE_MS);
    return sample;
  };
  for (const one of cases) await measure(one, WARM_UP_SECONDS);
  for (let round = 0; round < ROUNDS; round += 1) {
    let off: Sample | undefined;
    for (const one of cases) {
      const [before, had] = [carried(one.way), one.collected()];
      const sample = await measure(one, SECONDS);
      if (one.mode === MODES[0]) off = sample;
      one.samples.push(compare(sample, off ?? sample));
      const has = one.collected();
      one.packets += carried(one.way) - before;
      one.traced += has.packets - had.packets;
      one.octets += has.octets - had.octets;
    }
  }
  const results = cases.map(({ mode, direction, samples, packets, traced, octets }) => ({
    mode: mode.name,
    direction,
    megabits: spreadOf(samples, ({ megabits }) => megabits),
    throughputChange: spreadOf(samples, ({ throughputChange }) => throughputChange),
    packetsPerSecond: spreadOf(samples, ({ packetsPerSecond }) => packetsPerSecond),
    gatewayMicroseconds: spreadOf(samples, ({ gatewayMicroseconds }) => gatewayMicroseconds),
    cpuChange: spreadOf(samples, ({ cpuChange }) => cpuChange),
    /** Share of the packets whose traces arrived, and octets of OTLP for each. */
    arrived: packets === 0 ? 0 : traced / packets,
    octetsPerTrace: traced === 0 ? undefined : octets / traced,
  }));
  return {
    title: 'Cost of packet traces',
    about: [
      `One TCP connection, MPPE-128, ${SECONDS} s each; median (min–max) of ${ROUNDS} rounds, the modes in turn.`,
      'CPU of the gateway in µs per packet of either direction; changes in % against `off` in the same round; arrived: share of the packets whose traces reached the collector in time.',
    ],
    tables: [
      {
        rows: [
          ['packets traced', 'direction', 'Mbit/s', 'change', 'CPU µs', 'change', 'packets/s', 'arrived'],
          ...results.map((one) => [
            one.mode,
            one.direction,
            showMaybe(one.megabits),
            showMaybe(one.throughputChange),
            showMaybe(one.gatewayMicroseconds),
            showMaybe(one.cpuChange),
            showMaybe(one.packetsPerSecond),
            `${(100 * one.arrived).toFixed(3)} %`,
          ]),
        ],
      },
    ],
    verdicts: [],
    numbers: { rounds: ROUNDS, seconds: SECONDS, results },
  };
};

await runBench('telemetry', () => withNamespaces(run));
