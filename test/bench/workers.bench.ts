// What it costs that the work is shared: CPU time per packet of one worker and of two, each with the same tunnels, side by
// side and in turn. Gateway, clients and load share the cores, so the time on the clock says nothing; CPU time does.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Netns } from '../support/netns.ts';
import { cpuMicroseconds, descendants, packetsOf } from './support/children.ts';
import { numberOption, type Spread, showMaybe, showSpread } from './support/numbers.ts';
import { sendDatagrams } from './support/probe.ts';
import { type Outcome, runBench } from './support/report.ts';
import { inTurn } from './support/rounds.ts';
import { star } from './support/star.ts';
import { atMost, ratios, type Verdict } from './support/verdicts.ts';
import { dialGateway, gatewayState, serveLoad, spreadOf, startGateway, transfer } from './support/ways.ts';
import { type Bench, withNamespaces } from './support/with-namespaces.ts';

const ROUNDS = numberOption('rounds', 5);
const SECONDS = numberOption('seconds', 1.5);
const TUNNELS = numberOption('tunnels', 4);
/** Datagrams per second of each tunnel with the whole load, and their octets. */
const RATE = numberOption('rate', 10_000);
const OCTETS = 1_396;
const UDP_PORT = 5_300;
const MOST_TIMES = 1.1;

/** The last is half the load of the one before: what a worker has of it that shares it with another. */
const LOADS = ['TCP up', 'TCP down', 'UDP up', 'UDP up, half'] as const;
type Load = (typeof LOADS)[number];
/** What is compared: a load of two workers, and one of one worker. */
const PAIRS: readonly { readonly name: string; readonly two: Load; readonly one: Load; readonly judged: boolean }[] = [
  { name: 'TCP up', two: 'TCP up', one: 'TCP up', judged: true },
  { name: 'TCP down', two: 'TCP down', one: 'TCP down', judged: true },
  { name: 'UDP up, as much for each worker', two: 'UDP up', one: 'UDP up, half', judged: true },
  { name: 'UDP up, as much for all', two: 'UDP up', one: 'UDP up', judged: false },
];

interface Tunnel {
  readonly ns: Netns;
  readonly target: string;
  /** The server's device of the link. */
  readonly device: string;
  readonly peer: number;
}

interface Gateway {
  readonly workers: number;
  readonly server: Netns;
  readonly pid: number;
  readonly tunnels: readonly Tunnel[];
}

const start = async (bench: Bench, workers: number): Promise<Gateway> => {
  const { server, points } = star(bench, TUNNELS);
  const state = join(bench.state, String(workers));
  await mkdir(state);
  const env = { ...(await gatewayState(state)), PPTP_WORKERS: String(workers) };
  const pid = await startGateway(bench.children, server, env);
  const [wanted, processes] = [workers === 1 ? 0 : workers, descendants(pid).length];
  if (processes < wanted) throw new Error(`the gateway has ${processes} workers, not ${wanted}`);
  const tunnels: Tunnel[] = [];
  for (const { ns, local, server: remote, device } of points) {
    const dialled = await dialGateway(bench.children, ns, { server: remote, local });
    tunnels.push({ ns, target: dialled.gateway, device, peer: dialled.pid });
  }
  await serveLoad(bench.children, server);
  return { workers, server, pid, tunnels };
};

interface Sample {
  readonly packetsPerSecond: number;
  readonly megabits: number;
  /** µs per packet of the links: the gateway's processes, and the clients'. */
  readonly gateway: number;
  readonly clients: number;
  /** Of the gateway's CPU time, in %: the process that has most of it. */
  readonly busiest: number;
  /** In % of the datagrams that were sent; undefined of TCP. */
  readonly loss?: number;
}

const look = ({ pid, server, tunnels }: Gateway) => ({
  at: performance.now(),
  processes: [pid, ...descendants(pid)].map(cpuMicroseconds),
  clients: tunnels.reduce((sum, { peer }) => sum + cpuMicroseconds(peer), 0),
  packets: tunnels.reduce((sum, { device }) => sum + packetsOf(server, device), 0),
});

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** All tunnels at once. Resolves with Mbit/s and loss. */
const carry = async ({ children }: Bench, { server, tunnels }: Gateway, load: Load) => {
  if (load === 'UDP up' || load === 'UDP up, half') {
    const rate = load === 'UDP up' ? RATE : RATE / 2;
    const all = await Promise.all(
      tunnels.map(({ ns, target }, index) => {
        const options = { octets: OCTETS, seconds: SECONDS, rate, port: UDP_PORT + index };
        return sendDatagrams(children, { from: ns, to: server, target }, options);
      }),
    );
    const [sent, received] = [sumOf(all.map((one) => one.sent)), sumOf(all.map((one) => one.received))];
    return { megabits: (received * OCTETS * 8) / SECONDS / 1e6, loss: (100 * Math.max(0, sent - received)) / sent };
  }
  const direction = load === 'TCP up' ? 'up' : 'down';
  const all = await Promise.all(
    tunnels.map(({ ns, target }) => transfer(children, { name: load, from: ns, target }, direction, SECONDS)),
  );
  return { megabits: sumOf(all.map(({ megabits }) => megabits)) };
};

const measure = async (bench: Bench, gateway: Gateway, load: Load): Promise<Sample> => {
  const before = look(gateway);
  const carried = await carry(bench, gateway, load);
  const after = look(gateway);
  const packets = after.packets - before.packets;
  const processes = after.processes.map((value, at) => value - (before.processes[at] ?? 0));
  return {
    ...carried,
    packetsPerSecond: (packets * 1000) / (after.at - before.at),
    gateway: sumOf(processes) / packets,
    clients: (after.clients - before.clients) / packets,
    busiest: (100 * Math.max(...processes)) / sumOf(processes),
  };
};

interface Case {
  readonly gateway: Gateway;
  readonly load: Load;
  readonly samples: Sample[];
}

const resultOf = ({ gateway, load, samples }: Case) => ({
  load,
  workers: gateway.workers,
  packetsPerSecond: spreadOf(samples, (one) => one.packetsPerSecond),
  megabits: spreadOf(samples, (one) => one.megabits),
  gatewayMicroseconds: spreadOf(samples, (one) => one.gateway),
  clientMicroseconds: spreadOf(samples, (one) => one.clients),
  busiestPercent: spreadOf(samples, (one) => one.busiest),
  lossPercent: spreadOf(samples, (one) => one.loss),
});

interface Ratio {
  readonly name: string;
  readonly judged: boolean;
  readonly gateway: Spread;
  /** Of gateway and clients: a raw socket more makes every packet dearer for who sends it. */
  readonly both: Spread;
}

const ratiosOf = (cases: readonly Case[]): readonly Ratio[] =>
  PAIRS.flatMap(({ name, judged, ...loads }) => {
    const find = (load: Load, workers: number) =>
      cases.find((one) => one.load === load && one.gateway.workers === workers);
    const [one, two] = [find(loads.one, 1), find(loads.two, 2)];
    if (one === undefined || two === undefined) return [];
    const against = (pick: (sample: Sample) => number) => ratios(two.samples.map(pick), one.samples.map(pick));
    return [{ name, judged, gateway: against(({ gateway }) => gateway), both: against((s) => s.gateway + s.clients) }];
  });

const verdictsOf = (all: readonly Ratio[]): readonly Verdict[] =>
  all
    .filter(({ judged }) => judged)
    .map(({ name, gateway }) => atMost('workers', `${name}: CPU per packet, two workers / one`, gateway, MOST_TIMES));

const run = async (bench: Bench): Promise<Outcome> => {
  const gateways = [await start(bench, 1), await start(bench, 2)];
  const cases: readonly Case[] = LOADS.flatMap((load) =>
    gateways
      .filter(({ workers }) => workers === 1 || load !== 'UDP up, half')
      .map((gateway) => ({ gateway, load, samples: [] })),
  );
  for (const { gateway, load } of cases) await carry(bench, gateway, load);
  await inTurn(ROUNDS, cases, async ({ gateway, load, samples }) => {
    samples.push(await measure(bench, gateway, load));
  });
  const [results, against] = [cases.map(resultOf), ratiosOf(cases)];
  return {
    title: 'Two workers',
    about: [
      `${TUNNELS} tunnels at once, ${SECONDS} s each; median (min–max) of ${ROUNDS} rounds, in turn. UDP: ${RATE} datagrams of ${OCTETS} octets per second in each tunnel.`,
      'CPU in µs per packet of either direction on the links, summed over the processes; busiest: the share of the gateway process that has most. Gateway, clients and load share the cores.',
      'At a given rate one worker finds more packets at each turn than two that share them, and a packet is cheaper for that: so UDP is compared with as much load for each worker, and, not judged, with as much for all.',
    ],
    tables: [
      {
        rows: [
          ['load', 'workers', 'packets/s', 'Mbit/s', 'CPU gateway', 'CPU clients', 'busiest %', 'lost %'],
          ...results.map((one) => [
            one.load,
            String(one.workers),
            showMaybe(one.packetsPerSecond),
            showMaybe(one.megabits),
            showMaybe(one.gatewayMicroseconds),
            showMaybe(one.clientMicroseconds),
            showMaybe(one.busiestPercent),
            showMaybe(one.lossPercent),
          ]),
        ],
      },
      {
        rows: [
          ['two workers / one, CPU per packet', 'gateway', 'gateway and clients'],
          ...against.map(({ name, gateway, both }) => [name, showSpread(gateway), showSpread(both)]),
        ],
      },
    ],
    verdicts: verdictsOf(against),
    numbers: { rounds: ROUNDS, seconds: SECONDS, tunnels: TUNNELS, rate: RATE, results, ratios: against },
  };
};

await runBench('workers', () => withNamespaces(run));
