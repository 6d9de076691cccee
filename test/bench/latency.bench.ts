// Round trips through one tunnel of a gateway that has two: with nothing else to do, and while the other tunnel carries as
// much TCP as it takes. Side by side and in turn with plain C on the same path.
import { connect, type Netns } from '../support/netns.ts';
import { raise } from './support/compared.ts';
import { type Fairness, fairness } from './support/fairness.ts';
import { said } from './support/lines.ts';
import { numberOption, showMaybe, showSpread, spread } from './support/numbers.ts';
import { quantile, type RoundTrips, roundTrips } from './support/probe.ts';
import { nativeProgram } from './support/programs.ts';
import { type Outcome, runBench, type Skipped } from './support/report.ts';
import { inTurn } from './support/rounds.ts';
import { atMost, ratios, type Verdict } from './support/verdicts.ts';
import {
  type Direction,
  dialGateway,
  gatewayState,
  serveLoad,
  spreadOf,
  startGateway,
  transfer,
  type Way,
} from './support/ways.ts';
import { type Bench, withNamespaces } from './support/with-namespaces.ts';

const ROUNDS = numberOption('rounds', 3);
const SECONDS = numberOption('seconds', 3);
const INTERVAL_MS = 10;
/** Until the transfer is under way, and for it to outlast the probes. */
const BEFORE_MS = 700;
const MTU = 1396;
const MOST_TIMES_C = 2;
const MOST_P99_MS = 5;

const LOADS = ['idle', 'bulk up', 'bulk down'] as const;
type Load = (typeof LOADS)[number];

interface Tunnels {
  readonly name: 'pptp' | 'c-forwarder' | 'link';
  readonly target: string;
  readonly bulk: Netns;
  readonly quiet: Netns;
}

/** A server with a link to each of two clients. */
const star = ({ namespace }: Bench) => {
  const [server, bulk, quiet] = [namespace(), namespace(), namespace()];
  for (const [index, client] of [bulk, quiet].entries()) {
    connect(
      { ns: server, device: `out${index}`, addresses: [`10.21${index}.0.1/24`] },
      { ns: client, device: 'out', addresses: [`10.21${index}.0.2/24`] },
    );
  }
  return { server, bulk, quiet };
};

const link = async (bench: Bench): Promise<Tunnels> => {
  const { server, bulk, quiet } = star(bench);
  // One address for both: the quiet client reaches it over its own link.
  quiet.ip('route', 'add', '10.210.0.1/32', 'via', '10.211.0.1');
  await serveLoad(bench.children, server);
  return { name: 'link', target: '10.210.0.1', bulk, quiet };
};

const forwarder = async (bench: Bench): Promise<Tunnels> => {
  const { server, bulk, quiet } = star(bench);
  const start = (ns: Netns, local: string, ...tunnels: readonly string[]) =>
    bench.children.startProgram(
      ns,
      [nativeProgram('forwarder'), 'tunnel', 'offloads', local, ...tunnels],
      {},
      said('up'),
    );
  await start(server, '0.0.0.0', '10.210.0.2,10.98.0.2,1', '10.211.0.2,10.98.0.3,2');
  server.ip('link', 'set', 'tunnel', 'mtu', String(MTU), 'txqueuelen', '1000', 'up');
  server.ip('address', 'add', '10.98.0.1/24', 'dev', 'tunnel');
  for (const [index, client] of [bulk, quiet].entries()) {
    await start(client, `10.21${index}.0.2`, `10.21${index}.0.1,10.98.0.1,${index + 1}`);
    raise(client, 'tunnel', `10.98.0.${index + 2}`, '10.98.0.1', MTU);
  }
  await serveLoad(bench.children, server);
  return { name: 'c-forwarder', target: '10.98.0.1', bulk, quiet };
};

const pptp = async (bench: Bench): Promise<Tunnels> => {
  const { server, bulk, quiet } = star(bench);
  await startGateway(bench.children, server, await gatewayState(bench.state));
  const dialled = await dialGateway(bench.children, bulk, { server: '10.210.0.1', local: '10.210.0.2' });
  await dialGateway(bench.children, quiet, { server: '10.211.0.1', local: '10.211.0.2' });
  await serveLoad(bench.children, server);
  return { name: 'pptp', target: dialled.gateway, bulk, quiet };
};

interface Measured extends RoundTrips {
  readonly megabits?: number;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const measure = async ({ children }: Bench, tunnels: Tunnels, load: Load): Promise<Measured> => {
  const count = Math.ceil((SECONDS * 1000) / INTERVAL_MS);
  const probe = () => roundTrips(children, tunnels.quiet, tunnels.target, { count, intervalMs: INTERVAL_MS });
  if (load === 'idle') return probe();
  const way: Way = { name: tunnels.name, from: tunnels.bulk, target: tunnels.target };
  const direction: Direction = load === 'bulk up' ? 'up' : 'down';
  const [measured, { megabits }] = await Promise.all([
    pause(BEFORE_MS).then(probe),
    transfer(children, way, direction, SECONDS + (2 * BEFORE_MS) / 1000),
  ]);
  return { ...measured, megabits };
};

interface Case {
  readonly tunnels: Tunnels;
  readonly load: Load;
  readonly samples: Measured[];
}

const quantiles = ({ samples }: Case, share: number): readonly number[] =>
  samples.map(({ microseconds }) => quantile(microseconds, share));

const resultOf = (one: Case) => ({
  way: one.tunnels.name,
  load: one.load,
  p50Microseconds: spread(quantiles(one, 0.5)),
  p99Microseconds: spread(quantiles(one, 0.99)),
  lost: one.samples.reduce((sum, { lost }) => sum + lost, 0),
  probes: one.samples.reduce((sum, { lost, microseconds }) => sum + lost + microseconds.length, 0),
  bulkMegabits: spreadOf(one.samples, ({ megabits }) => megabits),
});

const ratiosOf = (cases: readonly Case[]) =>
  LOADS.flatMap((load) => {
    const find = (name: Tunnels['name']) => cases.find((one) => one.tunnels.name === name && one.load === load);
    const [ours, plainC] = [find('pptp'), find('c-forwarder')];
    if (ours === undefined || plainC === undefined) return [];
    const against = (share: number) => ratios(quantiles(ours, share), quantiles(plainC, share));
    return [{ against: 'c-forwarder', load, p50: against(0.5), p99: against(0.99) }];
  });

const verdictsOf = (cases: readonly Case[]): readonly Verdict[] => [
  ...ratiosOf(cases)
    .filter(({ load }) => load === 'idle')
    .map(({ p50 }) => atMost('latency', 'p50 of an idle tunnel, pptp / c-forwarder', p50, MOST_TIMES_C)),
  ...cases
    .filter(({ tunnels, load }) => tunnels.name === 'pptp' && load !== 'idle')
    .map((one) => {
      const p99 = spread(quantiles(one, 0.99).map((value) => value / 1000));
      return atMost('latency', `p99 during ${one.load} of another tunnel, ms`, p99, MOST_P99_MS);
    }),
];

const run = async (bench: Bench): Promise<Outcome> => {
  const all = [await link(bench), await forwarder(bench), await pptp(bench)];
  const cases: readonly Case[] = LOADS.flatMap((load) => all.map((tunnels) => ({ tunnels, load, samples: [] })));
  for (const { name, bulk: from, target } of all) {
    await transfer(bench.children, { name, from, target }, 'up', Math.min(1, SECONDS));
  }
  await inTurn(ROUNDS, cases, async ({ tunnels, load, samples }) => {
    samples.push(await measure(bench, tunnels, load));
  });
  const [results, against] = [cases.map(resultOf), ratiosOf(cases)];
  return {
    title: 'Latency',
    about: [
      `ICMP echo through one tunnel every ${INTERVAL_MS} ms for ${SECONDS} s, while another tunnel does nothing or carries as much TCP as it takes; median (min–max) of ${ROUNDS} rounds, in turn.`,
    ],
    tables: [
      {
        rows: [
          ['way', 'other tunnel', 'p50 µs', 'p99 µs', 'lost', 'bulk Mbit/s'],
          ...results.map((one) => [
            one.way,
            one.load,
            showSpread(one.p50Microseconds),
            showSpread(one.p99Microseconds),
            `${one.lost} of ${one.probes}`,
            showMaybe(one.bulkMegabits),
          ]),
        ],
      },
      {
        rows: [
          ['pptp / c-forwarder', 'p50', 'p99'],
          ...against.map(({ load, p50, p99 }) => [load, showSpread(p50), showSpread(p99)]),
        ],
      },
    ],
    verdicts: verdictsOf(cases),
    numbers: { rounds: ROUNDS, seconds: SECONDS, results, ratios: against },
  };
};

/** Adds what a gateway with more tunnels does. */
const addFairness = (outcome: Outcome, shares: readonly Fairness[]): Outcome => {
  const head = [
    'busy tunnels',
    'direction',
    'p50 µs',
    'p99 µs',
    'lost',
    'own Mbit/s',
    'busy Mbit/s',
    'Jain of the busy',
  ];
  const rows = shares.map((one) => [
    String(one.busy),
    one.direction,
    showSpread(one.p50Microseconds),
    showSpread(one.p99Microseconds),
    String(one.lost),
    showSpread(one.quietMegabits),
    showSpread(one.busyMegabits),
    showSpread(one.jain),
  ]);
  const title = 'Fairness: round trips of a quiet tunnel, then a TCP connection of its own, while others are busy';
  return {
    ...outcome,
    tables: [...outcome.tables, { title, rows: [head, ...rows] }],
    numbers: { ...outcome.numbers, fairness: shares },
  };
};

const measureAll = async (): Promise<Outcome | Skipped> => {
  const outcome = await withNamespaces(run);
  if ('skipped' in outcome) return outcome;
  // In namespaces of its own: the tunnels before are gone, and take no CPU time.
  return withNamespaces(async (bench) => addFairness(outcome, await fairness(bench, ROUNDS, SECONDS)));
};

await runBench('latency', measureAll);
