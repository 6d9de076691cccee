// What a ratio costs, more sharply: one gateway, one tunnel and one TCP connection, while the rule for packet traces is
// changed by the admin channel. Two gateways that are alike differ by some percent; here there is one.
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { adminRequest } from '../../gateway/admin/client.ts';
import { cpuMicroseconds, packetsOf } from './support/children.ts';
import { SENDS_TRACES, startCollector } from './support/collector.ts';
import { numberOption, showMaybe } from './support/numbers.ts';
import { type Outcome, runBench } from './support/report.ts';
import { DIRECTIONS, type Direction, gatewayState, spreadOf, startTunnel, transfer, type Way } from './support/ways.ts';
import { type Bench, withNamespaces } from './support/with-namespaces.ts';

const ROUNDS = numberOption('rounds', 10);
const SECONDS = numberOption('seconds', 2);
/** The first rounds are not counted: what traces packets is compiled while it works. */
const WARM_UP_ROUNDS = numberOption('warm-up', 2);
const SETTLE_MS = 700;

/** Undefined: no rule. The second shows what differs by itself. */
const RATIOS = [
  { name: 'none', ratio: undefined },
  { name: 'none again', ratio: undefined },
  { name: '1 of 1000', ratio: 0.001 },
  { name: '1 of 100', ratio: 0.01 },
  { name: '1 of 10', ratio: 0.1 },
] as const;

interface Slice {
  readonly microseconds: number;
  readonly packetsPerSecond: number;
  readonly traced: number;
}

type Carriers = NonNullable<Way['carriers']>;

/** Undefined: not a packet passed. */
const slice = async ({ gateway, ns, device }: Carriers, traced: () => number): Promise<Slice | undefined> => {
  const look = () => ({ cpu: cpuMicroseconds(gateway), packets: packetsOf(ns, device), at: performance.now() });
  const [before, had] = [look(), traced()];
  await pause(SECONDS * 1000);
  const [after, has] = [look(), traced()];
  const packets = after.packets - before.packets;
  if (packets === 0) return undefined;
  return {
    microseconds: (after.cpu - before.cpu) / packets,
    packetsPerSecond: (packets * 1000) / (after.at - before.at),
    traced: (has - had) / packets,
  };
};

const measure = async (
  { children }: Bench,
  way: Way,
  direction: Direction,
  { choose, traced }: { choose(ratio: number | undefined): Promise<void>; traced(): number },
) => {
  const { carriers } = way;
  if (carriers === undefined) throw new Error('the way has no gateway');
  const cases = RATIOS.map((one) => ({ ...one, slices: [] as (Slice | undefined)[] }));
  const rounds = ROUNDS + WARM_UP_ROUNDS;
  const seconds = 2 + rounds * cases.length * (SECONDS + SETTLE_MS / 1000 + 0.1);
  const slices = async (): Promise<void> => {
    await pause(1_000);
    for (let round = 0; round < rounds; round += 1) {
      for (const one of cases) {
        await choose(one.ratio);
        await pause(SETTLE_MS);
        const measured = await slice(carriers, traced);
        if (round >= WARM_UP_ROUNDS) one.slices.push(measured);
      }
    }
    await choose(undefined);
  };
  await Promise.all([transfer(children, way, direction, Math.ceil(seconds)), slices()]);
  return cases.map(({ name, slices: all }) => ({
    ratio: name,
    direction,
    gatewayMicroseconds: spreadOf(all, (one) => one?.microseconds),
    cpuChange: spreadOf(
      all.map((one, round) => [one, cases[0]?.slices[round]] as const),
      ([one, none]) =>
        one === undefined || none === undefined
          ? undefined
          : (100 * (one.microseconds - none.microseconds)) / none.microseconds,
    ),
    packetsPerSecond: spreadOf(all, (one) => one?.packetsPerSecond),
    arrived: spreadOf(all, (one) => (one === undefined ? undefined : 100 * one.traced)),
  }));
};

const run = async (bench: Bench): Promise<Outcome> => {
  const { namespace, children, state } = bench;
  const [gateway, client] = [namespace(), namespace()];
  const collected = await startCollector(children, gateway, join(state, 'collected.json'));
  const env = { ...(await gatewayState(state)), ...SENDS_TRACES, PPTP_TRACE_PACKETS_PER_SECOND: '1000000' };
  const way = await startTunnel('tunnel', [gateway, client], children, env);
  const ask = (method: 'POST' | 'DELETE', path: string, body?: unknown) =>
    adminRequest(join(state, 'admin.sock'), { method, path, ...(body === undefined ? {} : { body }) });
  let rule: string | undefined;
  const choose = async (ratio: number | undefined): Promise<void> => {
    if (rule !== undefined) (await ask('DELETE', `/v1/trace/rules/${rule}`)).stream.resume();
    rule = undefined;
    if (ratio === undefined) return;
    const added = await (await ask('POST', '/v1/trace/rules', { ratio })).json<{ readonly id: string }>();
    rule = added.id;
  };
  const results = [];
  for (const direction of DIRECTIONS) {
    results.push(...(await measure(bench, way, direction, { choose, traced: () => collected().packets })));
  }
  return {
    title: 'Cost of packet traces, one gateway whose rule changes',
    about: [
      `One TCP connection, MPPE-128, ${SECONDS} s each; median (min–max) of ${ROUNDS} rounds, the ratios in turn.`,
      'CPU of the gateway in µs per packet; change in % against `none` in the same round.',
    ],
    tables: [
      {
        rows: [
          ['packets traced', 'direction', 'CPU µs', 'change', 'packets/s', 'arrived %'],
          ...results.map((one) => [
            one.ratio,
            one.direction,
            showMaybe(one.gatewayMicroseconds),
            showMaybe(one.cpuChange),
            showMaybe(one.packetsPerSecond),
            showMaybe(one.arrived),
          ]),
        ],
      },
    ],
    verdicts: [],
    numbers: { rounds: ROUNDS, seconds: SECONDS, results },
  };
};

await runBench('telemetry-ratio', () => withNamespaces(run));
