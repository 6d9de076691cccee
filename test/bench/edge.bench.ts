// What strangers cost those who are in: TCP through a tunnel while nobody else is there and while very many half-open and
// malformed control connections and bad requests of the admin API arrive, in turn; and what is left of them afterwards.
import { connect as connectTo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { connect } from '../support/netns.ts';
import { cpuMicroseconds } from './support/children.ts';
import { jsonLine, said } from './support/lines.ts';
import { numberOption, showSpread, spread } from './support/numbers.ts';
import { sendDatagrams } from './support/probe.ts';
import { type Outcome, runBench } from './support/report.ts';
import { ratios } from './support/verdicts.ts';
import {
  DIRECTIONS,
  type Direction,
  dialGateway,
  gatewayProgram,
  gatewayState,
  pidOf,
  serveLoad,
  transfer,
} from './support/ways.ts';
import { type Bench, withNamespaces } from './support/with-namespaces.ts';

const ROUNDS = numberOption('rounds', 3);
const SECONDS = numberOption('seconds', 2);
/** Connections in all, and in a second. */
const CONNECTIONS = numberOption('connections', 10_000);
const RATE = numberOption('rate', 500);
/** Datagrams a second of a client that does what clients do, and their octets: 56 Mbit/s. */
const PACE = numberOption('pace', 5_000);
const OCTETS = 1_396;
const REQUESTS = numberOption('requests', 1_000);
const SOURCES = 100;
/** Connections that the crowd holds at a time. */
const AT_ONCE = 3_000;
const ADMIN_PORT = '8723';
const SERVER = '10.213.0.1';
const CLIENT = '10.213.0.2';
const DOOR = '10.214.0.1';

/** A script of test/support: not compiled. */
const script = (name: string): string => fileURLToPath(new URL(`../../../test/support/${name}`, import.meta.url));

interface Held {
  readonly heapUsed: number;
  readonly rss: number;
  readonly files: number;
  readonly held: Readonly<Record<string, number>>;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What the gateway holds when it changes no more. */
const settled = async (path: string): Promise<Held> => {
  const look = async (): Promise<Held> => JSON.parse(await text(connectTo(path)));
  let last = await look();
  for (let turn = 0; turn < 40; turn += 1) {
    await pause(250);
    const now = await look();
    if (turn > 12 && now.files === last.files && JSON.stringify(now.held) === JSON.stringify(last.held)) return now;
    last = now;
  }
  return last;
};

const run = async ({ children, state, namespace }: Bench): Promise<Outcome> => {
  const [gateway, client, crowd] = [namespace(), namespace(), namespace()];
  connect(
    { ns: gateway, device: 'good', addresses: [`${SERVER}/24`] },
    { ns: client, device: 'out', addresses: [`${CLIENT}/24`] },
  );
  connect(
    { ns: gateway, device: 'bad', addresses: [`${DOOR}/24`] },
    { ns: crowd, device: 'out', addresses: Array.from({ length: SOURCES }, (_, n) => `10.214.0.${100 + n}/24`) },
  );
  const look = join(state, 'look');
  const env = {
    ...(await gatewayState(state)),
    INSIDE_LOOK: look,
    PPTP_ADMIN_ADDRESS: '0.0.0.0',
    PPTP_ADMIN_PORT: ADMIN_PORT,
    // So that the rate of the crowd is the crowd's, over all rounds.
    PPTP_CONNECT_RATE_PER_ADDRESS: '100000',
  };
  const words = ['--expose-gc', '--import', script('inside-look.mjs'), gatewayProgram, 'run'];
  const { child } = await children.start(gateway, words, env, said('gateway.ready'));
  const pid = pidOf(child);
  const peer = await dialGateway(children, client, { server: SERVER, local: CLIENT });
  await serveLoad(children, gateway);
  const way = {
    name: 'tunnel',
    from: client,
    target: peer.gateway,
    carriers: { gateway: pid, peer: peer.pid, ns: client, device: 'out' },
  };

  const flood = (count: number): Promise<Readonly<Record<string, unknown>>> =>
    children
      .start(
        crowd,
        [
          script('flood.mjs'),
          DOOR,
          '1723',
          String(count),
          String(AT_ONCE),
          '10.214.0.100',
          String(SOURCES),
          String(RATE),
        ],
        {},
        (line) => (line.includes('"made"') ? jsonLine(line) : undefined),
        300_000,
      )
      .then(({ value }) => value);
  const requests = (count: number): Promise<Readonly<Record<string, unknown>>> =>
    children
      .start(crowd, [script('bad-requests.mjs'), DOOR, ADMIN_PORT, String(count)], {}, jsonLine, 300_000)
      .then(({ value }) => value);

  await Promise.all([flood(2_000), requests(100)]);
  const before = await settled(look);
  const speeds = { quiet: { up: [], down: [] }, flood: { up: [], down: [] } } as Record<
    'quiet' | 'flood',
    Record<Direction, number[]>
  >;
  const paced: Record<'quiet' | 'flood', number[]> = { quiet: [], flood: [] };
  const measure = async (when: 'quiet' | 'flood'): Promise<void> => {
    const load = { octets: OCTETS, seconds: SECONDS, rate: PACE };
    const { received } = await sendDatagrams(children, { from: client, to: gateway, target: peer.gateway }, load);
    paced[when].push((received * OCTETS * 8) / SECONDS / 1e6);
    for (const direction of DIRECTIONS) {
      speeds[when][direction].push((await transfer(children, way, direction, SECONDS)).megabits);
    }
  };
  const seen: Readonly<Record<string, unknown>>[] = [];
  const share = Math.ceil(CONNECTIONS / ROUNDS);
  let floodCpu = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    await measure('quiet');
    const attack = Promise.all([flood(share), requests(Math.ceil(REQUESTS / ROUNDS))]);
    await measure('flood');
    seen.push(...(await attack));
    await settled(look);
  }
  // What a stranger costs by itself.
  const began = cpuMicroseconds(pid);
  const alone = await flood(2_000);
  floodCpu = (cpuMicroseconds(pid) - began) / 2_000;
  const after = await settled(look);
  const against = Object.fromEntries(
    DIRECTIONS.map((direction) => [direction, ratios(speeds.flood[direction], speeds.quiet[direction])]),
  );
  const kilobytes = (octets: number): string => String(Math.round(octets / 1024));
  return {
    title: 'Strangers at the door',
    about: [
      `${CONNECTIONS} half-open and malformed control connections from ${SOURCES} addresses, ${RATE} a second, ${AT_ONCE} at once, and ${REQUESTS} bad requests of the admin API, in ${ROUNDS} rounds; through one tunnel with MPPE-128 meanwhile, and before each round without: UDP at a given rate, and TCP, for ${SECONDS} s each.`,
      'Gateway, client, load and crowd share the cores: what the crowd itself takes is missing in the throughput, too.',
    ],
    tables: [
      {
        rows: [
          ['through the tunnel, Mbit/s', 'quiet', 'flood', 'flood / quiet'],
          ...DIRECTIONS.map((direction) => [
            `TCP ${direction}, as much as it takes`,
            showSpread(spread(speeds.quiet[direction])),
            showSpread(spread(speeds.flood[direction])),
            showSpread(ratios(speeds.flood[direction], speeds.quiet[direction])),
          ]),
          [
            `UDP up at ${PACE} datagrams/s`,
            showSpread(spread(paced.quiet)),
            showSpread(spread(paced.flood)),
            showSpread(ratios(paced.flood, paced.quiet)),
          ],
        ],
      },
      {
        rows: [
          ['what the gateway holds', 'before', 'after'],
          ['heap, KiB', kilobytes(before.heapUsed), kilobytes(after.heapUsed)],
          ['resident, KiB', kilobytes(before.rss), kilobytes(after.rss)],
          ['open files', String(before.files), String(after.files)],
          ['handles and timers', JSON.stringify(before.held), JSON.stringify(after.held)],
        ],
      },
      {
        rows: [
          ['CPU of the gateway for one stranger, µs', ''],
          ['', floodCpu.toFixed(0)],
        ],
      },
    ],
    verdicts: [],
    numbers: {
      rounds: ROUNDS,
      seconds: SECONDS,
      connections: CONNECTIONS,
      rate: RATE,
      paced,
      speeds,
      against,
      before,
      after,
      seen,
      alone,
      floodCpu,
    },
  };
};

await runBench('edge', () => withNamespaces(run));
