import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addUser } from '../../../plugins/backend-user-file/index.ts';
import { connect, type Netns } from '../../support/netns.ts';
import { type Children, cpuMicroseconds, packetsOf } from './children.ts';
import { jsonLine, said } from './lines.ts';
import { type Spread, spread } from './numbers.ts';

const LOAD_PORT = 5201;
const USER = { name: 'bench', password: 'bench-password' };
export const DIRECTIONS = ['up', 'down'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** A program of this folder, built. */
export const program = (name: string): string => fileURLToPath(new URL(`./${name}.js`, import.meta.url));
export const gatewayProgram = fileURLToPath(new URL('../../../gateway/main.js', import.meta.url));

/** A way from the client's namespace to a server; the two ends are processes whose work is measured. */
export interface Way {
  readonly name: string;
  readonly from: Netns;
  readonly target: string;
  /**
   * Processes that carry the packets, and a device through which each packet goes once: the wire, for a TUN device may
   * take many in one.
   */
  readonly carriers?: { readonly gateway: number; readonly peer: number; readonly ns: Netns; readonly device: string };
}

export interface Sample {
  readonly megabits: number;
  readonly packetsPerSecond?: number;
  readonly gatewayMicroseconds?: number;
  readonly peerMicroseconds?: number;
}

export const pidOf = (child: { readonly pid?: number | undefined }): number => child.pid ?? 0;

/** One TCP connection over the way, for that many seconds. */
export const transfer = async (
  children: Children,
  way: Way,
  direction: Direction,
  seconds: number,
): Promise<Sample> => {
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
    (seconds + 15) * 1_000,
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

/** Takes connections of `transfer` in this namespace. */
export const serveLoad = (children: Children, ns: Netns): Promise<unknown> =>
  children.start(ns, [program('tcp-load'), 'serve', '0.0.0.0', String(LOAD_PORT)], {}, said('listening'));

/** What a gateway needs to run in a namespace, with its own folder and the user of the benchmarks. */
export const gatewayState = async (state: string): Promise<Readonly<Record<string, string>>> => {
  await addUser(join(state, 'users.json'), USER);
  return {
    PPTP_STATE_DIR: state,
    PPTP_POOL: '10.99.0.0/24',
    PPTP_NAT: 'off',
    PPTP_LOG_FORMAT: 'json',
    PPTP_LOG_LEVEL: 'info',
    PPTP_ADMIN_PORT: '0',
    PPTP_DRAIN_TIMEOUT: '0',
  };
};

/** A gateway as it is run. Resolves with its PID. */
export const startGateway = async (
  children: Children,
  ns: Netns,
  env: Readonly<Record<string, string>>,
): Promise<number> => pidOf((await children.start(ns, [gatewayProgram, 'run'], env, said('gateway.ready'))).child);

/** Our own client, from `local` to the gateway at `server`: its PID, its TUN device, the gateway's inner address. */
export const dialGateway = async (
  children: Children,
  ns: Netns,
  { server, local }: { readonly server: string; readonly local: string },
): Promise<{ readonly pid: number; readonly device: string; readonly gateway: string }> => {
  const dial = [program('peer-main'), server, local, USER.name, USER.password];
  const { child, value } = await children.start(ns, dial, {}, said('up'));
  return { pid: pidOf(child), device: String(value['device']), gateway: String(value['gateway']) };
};

/**
 * Gateway namespace 10.213.0.1, veth, 10.213.0.2 client namespace, and a tunnel with MPPE-128 between a gateway as it is
 * run and our own client; `device` is the client's TUN device.
 */
export const startTunnel = async (
  name: string,
  [gateway, client]: readonly [Netns, Netns],
  children: Children,
  env: Readonly<Record<string, string>>,
): Promise<Way & { readonly device: string }> => {
  connect(
    { ns: gateway, device: 'out', addresses: ['10.213.0.1/24'] },
    { ns: client, device: 'out', addresses: ['10.213.0.2/24'] },
  );
  const server = await startGateway(children, gateway, env);
  const peer = await dialGateway(children, client, { server: '10.213.0.1', local: '10.213.0.2' });
  await serveLoad(children, gateway);
  return {
    name,
    from: client,
    target: peer.gateway,
    device: peer.device,
    // On the link: a TUN device counts a large packet of the kernel as one.
    carriers: { gateway: server, peer: peer.pid, ns: client, device: 'out' },
  };
};

export const spreadOf = <T>(samples: readonly T[], pick: (sample: T) => number | undefined): Spread | undefined => {
  const values = samples.map(pick).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : spread(values);
};
