// TCP through the tunnel between two namespaces: the gateway as it is run, our own client at the other end. Side by side
// and in turn: the veth link without a tunnel, and a forwarder that has the same devices but no protocol.
import { connect } from '../support/netns.ts';
import { said } from './support/lines.ts';
import { circumstances, numberOption, type Spread, showSpread, showTable, wantsJson } from './support/numbers.ts';
import {
  DIRECTIONS,
  gatewayState,
  pidOf,
  program,
  type Sample,
  serveLoad,
  spreadOf,
  startTunnel,
  transfer,
  type Way,
} from './support/ways.ts';
import { type Bench, withNamespaces } from './support/with-namespaces.ts';

const ROUNDS = numberOption('rounds', 3);
const SECONDS = numberOption('seconds', 3);

/** The forwarders have a pair of namespaces of their own. */
const makeWays = async ({ namespace, children, state }: Bench): Promise<readonly Way[]> => {
  const [gateway, client, near, far] = [namespace(), namespace(), namespace(), namespace()];
  connect(
    { ns: near, device: 'out', addresses: ['10.214.0.1/24'] },
    { ns: far, device: 'out', addresses: ['10.214.0.2/24'] },
  );
  const env = await gatewayState(state);
  const tunnel = await startTunnel('PPTP, MPPE-128 stateless', [gateway, client], children, env);
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
  await serveLoad(children, near);
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
        device: 'out',
      },
    },
    tunnel,
  ];
};

const show = (spreads: Spread | undefined): string => (spreads === undefined ? '' : showSpread(spreads));

const run = async (bench: Bench): Promise<void> => {
  const { children } = bench;
  const ways = await makeWays(bench);
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
  console.log('up: client to gateway; packets of both directions, counted on the wire; CPU µs per such packet\n');
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

await withNamespaces(run);
