// One TCP connection through one tunnel of each kind, side by side and in turn: the bare link, plain C on the path of our
// gateway, our gateway with our client, OpenVPN and wireguard-go. The results are the ratios.
import { loadavg } from 'node:os';
import { type Compared, makeCompared, type WayName } from './support/compared.ts';
import { circumstances, numberOption, type Spread, showSpread, showTable, wantsJson } from './support/numbers.ts';
import { atLeast, atMost, ratios, type Verdict, verdictRows } from './support/verdicts.ts';
import { DIRECTIONS, type Direction, type Sample, spreadOf, transfer } from './support/ways.ts';
import { type Bench, withNamespaces } from './support/with-namespaces.ts';

const ROUNDS = numberOption('rounds', 3);
const SECONDS = numberOption('seconds', 3);
const OCTETS = 1400;

/** Targets of our throughput against others'; undefined: shown only. */
const AGAINST: readonly (readonly [WayName, number | undefined])[] = [
  ['openvpn', 1.6],
  ['wireguard-go', 1.8],
  ['c-forwarder', 0.85],
  ['c-forwarder-plain', undefined],
  ['link', undefined],
];
const MOST_MICROSECONDS = 5;

interface Case {
  readonly way: Compared;
  readonly direction: Direction;
  readonly samples: Sample[];
}

/** CPU time for so many octets that arrived: what a packet costs, however the ways cut the stream and acknowledge it. */
const perOctets = ({ megabits, packetsPerSecond }: Sample, perPacket: number | undefined): number | undefined =>
  packetsPerSecond === undefined || perPacket === undefined
    ? undefined
    : (perPacket * packetsPerSecond * OCTETS * 8) / (megabits * 1e6);

const resultOf = ({ way, direction, samples }: Case) => ({
  way: way.name,
  direction,
  megabits: spreadOf(samples, ({ megabits }) => megabits),
  packetsPerSecond: spreadOf(samples, ({ packetsPerSecond }) => packetsPerSecond),
  serverMicrosecondsPerPacket: spreadOf(samples, ({ gatewayMicroseconds }) => gatewayMicroseconds),
  clientMicrosecondsPerPacket: spreadOf(samples, ({ peerMicroseconds }) => peerMicroseconds),
  serverMicrosecondsPer1400: spreadOf(samples, (one) => perOctets(one, one.gatewayMicroseconds)),
  clientMicrosecondsPer1400: spreadOf(samples, (one) => perOctets(one, one.peerMicroseconds)),
});

const megabitsOf = ({ samples }: Case): readonly number[] => samples.map(({ megabits }) => megabits);

const ratiosOf = (cases: readonly Case[]) =>
  AGAINST.flatMap(([name, target]) =>
    DIRECTIONS.flatMap((direction) => {
      const find = (wanted: WayName) => cases.find((one) => one.way.name === wanted && one.direction === direction);
      const [ours, other] = [find('pptp'), find(name)];
      if (ours === undefined || other === undefined) return [];
      return [{ against: name, direction, target, throughput: ratios(megabitsOf(ours), megabitsOf(other)) }];
    }),
  );

const verdictsOf = (cases: readonly Case[]): readonly Verdict[] => [
  ...ratiosOf(cases).flatMap(({ against, direction, target, throughput }) =>
    target === undefined ? [] : [atLeast(`TCP ${direction}, pptp / ${against}`, throughput, target)],
  ),
  ...cases
    .filter(({ way }) => way.name === 'pptp')
    .flatMap((one) => {
      const { serverMicrosecondsPer1400: server, clientMicrosecondsPer1400: client } = resultOf(one);
      if (server === undefined || client === undefined) return [];
      return [
        atMost(`TCP ${one.direction}, gateway's CPU µs per 1400 octets`, server, MOST_MICROSECONDS),
        atMost(`TCP ${one.direction}, client's CPU µs per 1400 octets`, client, MOST_MICROSECONDS),
      ];
    }),
];

const show = (value: Spread | undefined): string => (value === undefined ? '' : showSpread(value));

const run = async (bench: Bench): Promise<void> => {
  const { ways, leftOut } = await makeCompared(bench);
  const cases: readonly Case[] = ways.flatMap((way) =>
    DIRECTIONS.map((direction) => ({ way, direction, samples: [] })),
  );
  const loadBefore = loadavg()[0] ?? 0;
  for (const { way, direction } of cases) await transfer(bench.children, way, direction, 1);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const one of cases) one.samples.push(await transfer(bench.children, one.way, one.direction, SECONDS));
  }
  const about = { ...circumstances(), benchmark: 'compare', rounds: ROUNDS, seconds: SECONDS, loadBefore };
  const described = ways.map(({ name, about, mtu }) => ({ name, about, mtu }));
  const [results, verdicts] = [cases.map(resultOf), verdictsOf(cases)];
  if (wantsJson()) {
    const all = { ...about, ways: described, leftOut, results, ratios: ratiosOf(cases), verdicts };
    console.log(JSON.stringify(all, undefined, 2));
    return;
  }
  console.log(`${about.date}  ${about.machine}\n${about.command}`);
  console.log(
    `one TCP connection, ${SECONDS} s each; median (min–max) of ${ROUNDS} rounds, the ways in turn; load before: ${loadBefore.toFixed(1)}`,
  );
  console.log('up: client to server. Packets of both directions on the link. CPU in µs: server / client\n');
  for (const { name, about, mtu } of described) console.log(`${name}: ${about}; MTU ${mtu}`);
  for (const { name, reason } of leftOut) console.log(`${name}: left out: ${reason}`);
  const pair = (a: Spread | undefined, b: Spread | undefined): string => (a ? `${show(a)} / ${show(b)}` : '');
  console.log(
    `\n${showTable([
      ['way', 'direction', 'Mbit/s', 'packets/s', 'CPU per packet', 'CPU per 1400 octets'],
      ...results.map((one) => [
        one.way,
        one.direction,
        show(one.megabits),
        show(one.packetsPerSecond),
        pair(one.serverMicrosecondsPerPacket, one.clientMicrosecondsPerPacket),
        pair(one.serverMicrosecondsPer1400, one.clientMicrosecondsPer1400),
      ]),
    ])}\n`,
  );
  const shown = ratiosOf(cases).map((one) => [one.against, one.direction, showSpread(one.throughput)]);
  if (shown.length > 0) console.log(`${showTable([['pptp against', 'direction', 'ratio'], ...shown])}\n`);
  if (verdicts.length > 0) console.log(showTable(verdictRows(verdicts)));
};

await withNamespaces(run);
