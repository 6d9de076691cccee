// TCP through the tunnel between two namespaces: the gateway as it is run, our own client at the other end. Side by side
// and in turn: the veth link without a tunnel, and a forwarder that has the same devices but no protocol.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addUser } from '../../plugins/backend-user-file/index.ts';
import { connect, Netns, netnsUnavailable } from '../support/netns.ts';
import { Children, cpuMicroseconds, packetsOf } from './support/children.ts';
import {
  circumstances,
  numberOption,
  type Spread,
  showSpread,
  showTable,
  spread,
  wantsJson,
} from './support/numbers.ts';

const ROUNDS = numberOption('rounds', 3);
const SECONDS = numberOption('seconds', 3);
const LOAD_PORT = 5201;
const USER = { name: 'bench', password: 'bench-password' };
const DIRECTIONS = ['up', 'down'] as const;
type Direction = (typeof DIRECTIONS)[number];

const here = dirname(fileURLToPath(import.meta.url));
const program = (name: string): string => join(here, 'support', `${name}.js`);
const gatewayProgram = join(here, '..', '..', 'gateway', 'main.js');

/** A way from the client's namespace to a server; the two ends are processes whose work is measured. */
interface Way {
  readonly name: string;
  readonly from: Netns;
  readonly target: string;
  /** Processes that carry the packets, and a device through which each packet goes once. */
  readonly carriers?: { readonly gateway: number; readonly peer: number; readonly ns: Netns; readonly device: string };
}

interface Sample {
  readonly megabits: number;
  readonly packetsPerSecond?: number;
  readonly gatewayMicroseconds?: number;
  readonly peerMicroseconds?: number;
}

const jsonLine = (line: string): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
};
const said = (event: string) => (line: string) => {
  const fields = jsonLine(line);
  return fields['event'] === event ? fields : undefined;
};
const pidOf = (child: { readonly pid?: number | undefined }): number => child.pid ?? 0;

const transfer = async (children: Children, way: Way, direction: Direction, seconds: number): Promise<Sample> => {
  const { carriers } = way;
  const look = () =>
    carriers === undefined
      ? { gateway: 0, peer: 0, packets: 0 }
      : {
          gateway: cpuMicroseconds(carriers.gateway),
          peer: cpuMicroseconds(carriers.peer),
          packets: packetsOf(carriers.ns, carriers.device),
        };
  const before = look();
  const { value } = await children.start(
    way.from,
    [program('tcp-load'), direction, way.target, String(LOAD_PORT), String(seconds)],
    {},
    (line) => {
      const { octets, seconds: took } = jsonLine(line);
      return typeof octets === 'number' && typeof took === 'number' ? { octets, took } : undefined;
    },
  );
  const after = look();
  const megabits = (value.octets * 8) / value.took / 1e6;
  const packets = after.packets - before.packets;
  if (carriers === undefined || packets === 0) return { megabits };
  return {
    megabits,
    packetsPerSecond: packets / value.took,
    gatewayMicroseconds: (after.gateway - before.gateway) / packets,
    peerMicroseconds: (after.peer - before.peer) / packets,
  };
};

/** gateway namespace 10.213.0.1 ── veth ── 10.213.0.2 client namespace; the forwarders have a pair of their own. */
const makeWays = async (spaces: readonly Netns[], children: Children, state: string): Promise<readonly Way[]> => {
  const [gateway, client, near, far] = spaces;
  if (gateway === undefined || client === undefined || near === undefined || far === undefined) return [];
  connect(
    { ns: gateway, device: 'out', addresses: ['10.213.0.1/24'] },
    { ns: client, device: 'out', addresses: ['10.213.0.2/24'] },
  );
  connect(
    { ns: near, device: 'out', addresses: ['10.214.0.1/24'] },
    { ns: far, device: 'out', addresses: ['10.214.0.2/24'] },
  );
  await addUser(join(state, 'users.json'), USER);
  const server = await children.start(
    gateway,
    [gatewayProgram, 'run'],
    {
      PPTP_STATE_DIR: state,
      PPTP_POOL: '10.99.0.0/24',
      PPTP_NAT: 'off',
      PPTP_LOG_FORMAT: 'json',
      PPTP_LOG_LEVEL: 'info',
    },
    said('gateway.ready'),
  );
  const peer = await children.start(
    client,
    [program('peer-main'), '10.213.0.1', '10.213.0.2', USER.name, USER.password],
    {},
    said('up'),
  );
  const left = await children.start(
    near,
    [program('forwarder-main'), '10.214.0.1', '10.214.0.2', '10.98.0.1', '10.98.0.2'],
    {},
    said('up'),
  );
  const right = await children.start(
    far,
    [program('forwarder-main'), '10.214.0.2', '10.214.0.1', '10.98.0.2', '10.98.0.1'],
    {},
    said('up'),
  );
  for (const ns of [gateway, near]) {
    await children.start(ns, [program('tcp-load'), 'serve', '0.0.0.0', String(LOAD_PORT)], {}, said('listening'));
  }
  return [
    { name: 'veth, no tunnel', from: client, target: '10.213.0.1' },
    {
      name: 'forwarder, no protocol',
      from: far,
      target: '10.98.0.1',
      carriers: {
        gateway: pidOf(left.child),
        peer: pidOf(right.child),
        ns: far,
        device: String(right.value['device']),
      },
    },
    {
      name: 'PPTP, MPPE-128 stateless',
      from: client,
      target: String(peer.value['gateway']),
      carriers: {
        gateway: pidOf(server.child),
        peer: pidOf(peer.child),
        ns: client,
        device: String(peer.value['device']),
      },
    },
  ];
};

const show = (spreads: Spread | undefined): string => (spreads === undefined ? '' : showSpread(spreads));
const spreadOf = (samples: readonly Sample[], pick: (sample: Sample) => number | undefined): Spread | undefined => {
  const values = samples.map(pick).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : spread(values);
};

const run = async (spaces: readonly Netns[], children: Children, state: string): Promise<void> => {
  const ways = await makeWays(spaces, children, state);
  const cases = ways.flatMap((way) => DIRECTIONS.map((direction) => ({ way, direction, samples: [] as Sample[] })));
  for (const { way, direction } of cases) await transfer(children, way, direction, 1);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const one of cases) one.samples.push(await transfer(children, one.way, one.direction, SECONDS));
  }
  const results = cases.map(({ way, direction, samples }) => ({
    way: way.name,
    direction,
    megabits: spreadOf(samples, ({ megabits }) => megabits),
    packetsPerSecond: spreadOf(samples, ({ packetsPerSecond }) => packetsPerSecond),
    gatewayMicroseconds: spreadOf(samples, ({ gatewayMicroseconds }) => gatewayMicroseconds),
    peerMicroseconds: spreadOf(samples, ({ peerMicroseconds }) => peerMicroseconds),
  }));
  const about = { ...circumstances(), benchmark: 'tunnel-throughput', rounds: ROUNDS, seconds: SECONDS };
  if (wantsJson()) {
    console.log(JSON.stringify({ ...about, results }, undefined, 2));
    return;
  }
  console.log(`${about.date}  ${about.machine}\n${about.command}`);
  console.log(`one TCP connection, ${SECONDS} s each; median (min–max) of ${ROUNDS} rounds, the ways in turn`);
  console.log('up: client to gateway; packets of both directions, counted at the client; CPU µs per such packet\n');
  console.log(
    showTable([
      ['way', 'direction', 'Mbit/s', 'packets/s', 'CPU µs gateway', 'CPU µs peer'],
      ...results.map((one) => [
        one.way,
        one.direction,
        show(one.megabits),
        show(one.packetsPerSecond),
        show(one.gatewayMicroseconds),
        show(one.peerMicroseconds),
      ]),
    ]),
  );
};

const reason = netnsUnavailable();
if (reason !== undefined) console.log(`skipped: ${reason}`);
else {
  const state = await mkdtemp(join(tmpdir(), 'pptp-bench-'));
  const children = new Children();
  const spaces: Netns[] = [];
  const tidy = async (): Promise<void> => {
    await children.stop();
    for (const ns of spaces.splice(0)) ns.destroy();
    await rm(state, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void tidy().finally(() => process.exit(1)));
  }
  try {
    for (const label of ['a', 'b', 'c', 'd']) spaces.push(new Netns(label));
    await run(spaces, children, state);
  } finally {
    await tidy();
  }
}
