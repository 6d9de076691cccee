// One TCP connection through one tunnel of each kind, side by side and in turn: the bare link, plain C on the path of our
// gateway, our gateway with our client, OpenVPN and wireguard-go. The results are the ratios.
import { type Compared, makeCompared, type WayName } from './support/compared.ts';
import { numberOption, type Spread, showMaybe, showSpread } from './support/numbers.ts';
import { type Outcome, runBench } from './support/report.ts';
import { inTurn } from './support/rounds.ts';
import type { TargetName } from './support/targets.ts';
import { atLeast, atMost, ratios, type Verdict } from './support/verdicts.ts';
import { DIRECTIONS, type Direction, type Sample, spreadOf, transfer } from './support/ways.ts';
import { type Bench, withNamespaces } from './support/with-namespaces.ts';

const ROUNDS = numberOption('rounds', 5);
const SECONDS = numberOption('seconds', 2);
const OCTETS = 1400;

/** Targets of our throughput against others'; those without one are shown only. */
const AGAINST: readonly { readonly name: WayName; readonly of?: TargetName; readonly target: number }[] = [
  { name: 'openvpn', of: 'tcp-openvpn', target: 1.6 },
  { name: 'wireguard-go', of: 'tcp-wireguard', target: 1.8 },
  { name: 'c-forwarder', of: 'tcp-plain-c', target: 0.85 },
  { name: 'c-forwarder-plain', target: 0 },
  { name: 'ts-forwarder', target: 0 },
  { name: 'link', target: 0 },
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
  AGAINST.flatMap(({ name, of, target }) =>
    DIRECTIONS.flatMap((direction) => {
      const find = (wanted: WayName) => cases.find((one) => one.way.name === wanted && one.direction === direction);
      const [ours, other] = [find('pptp'), find(name)];
      if (ours === undefined || other === undefined) return [];
      return [{ against: name, of, direction, target, throughput: ratios(megabitsOf(ours), megabitsOf(other)) }];
    }),
  );

const verdictsOf = (cases: readonly Case[]): readonly Verdict[] => [
  ...ratiosOf(cases).flatMap(({ against, of, direction, target, throughput }) =>
    of === undefined ? [] : [atLeast(of, `TCP ${direction}, pptp / ${against}`, throughput, target)],
  ),
  ...cases
    .filter(({ way }) => way.name === 'pptp')
    .flatMap((one) => {
      const { serverMicrosecondsPer1400: server, clientMicrosecondsPer1400: client } = resultOf(one);
      if (server === undefined || client === undefined) return [];
      return [
        atMost('cpu-per-packet', `TCP ${one.direction}, gateway's CPU µs per 1400 octets`, server, MOST_MICROSECONDS),
        atMost('cpu-per-packet', `TCP ${one.direction}, client's CPU µs per 1400 octets`, client, MOST_MICROSECONDS),
      ];
    }),
];

const pair = (a: Spread | undefined, b: Spread | undefined): string => (a ? `${showMaybe(a)} / ${showMaybe(b)}` : '');

const run = async (bench: Bench): Promise<Outcome> => {
  const { ways, leftOut } = await makeCompared(bench);
  const cases: readonly Case[] = ways.flatMap((way) =>
    DIRECTIONS.map((direction) => ({ way, direction, samples: [] })),
  );
  for (const { way, direction } of cases) await transfer(bench.children, way, direction, Math.min(1, SECONDS));
  await inTurn(ROUNDS, cases, async ({ way, direction, samples }) => {
    samples.push(await transfer(bench.children, way, direction, SECONDS));
  });
  const described = ways.map(({ name, about, mtu }) => ({ name, about, mtu }));
  const [results, against] = [cases.map(resultOf), ratiosOf(cases)];
  return {
    title: 'TCP through one tunnel',
    about: [
      `One TCP connection, ${SECONDS} s each; median (min–max) of ${ROUNDS} rounds, the ways in turn.`,
      'up: client to server. Packets of both directions on the link. CPU in µs: server / client.',
      ...described.map(({ name, about, mtu }) => `${name}: ${about}; MTU ${mtu}.`),
      ...leftOut.map(({ name, reason }) => `${name}: left out: ${reason}`),
    ],
    tables: [
      {
        rows: [
          ['way', 'direction', 'Mbit/s', 'packets/s', 'CPU per packet', 'CPU per 1400 octets'],
          ...results.map((one) => [
            one.way,
            one.direction,
            showMaybe(one.megabits),
            showMaybe(one.packetsPerSecond),
            pair(one.serverMicrosecondsPerPacket, one.clientMicrosecondsPerPacket),
            pair(one.serverMicrosecondsPer1400, one.clientMicrosecondsPer1400),
          ]),
        ],
      },
      {
        rows: [
          ['pptp against', 'direction', 'ratio of throughput'],
          ...against.map((one) => [one.against, one.direction, showSpread(one.throughput)]),
        ],
      },
    ],
    verdicts: verdictsOf(cases),
    numbers: { rounds: ROUNDS, seconds: SECONDS, ways: described, leftOut, results, ratios: against },
  };
};

await runBench('compare', () => withNamespaces(run));
