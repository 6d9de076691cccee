// The ways that are compared: each has two namespaces of its own with a veth link of the same make between them, and its
// server in the first.
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type Netns } from '../../support/netns.ts';
import { jsonLine, said } from './lines.ts';
import { listOption } from './numbers.ts';
import { comparator, nativeProgram } from './programs.ts';
import { gatewayState, pidOf, program, serveLoad, startTunnel, type Way } from './ways.ts';
import type { Bench } from './with-namespaces.ts';

export const WAY_NAMES = [
  'link',
  'c-forwarder',
  'c-forwarder-plain',
  'ts-forwarder',
  'pptp',
  'openvpn',
  'wireguard-go',
] as const;
export type WayName = (typeof WAY_NAMES)[number];
/** These are made when they are asked for. */
const BY_NAME: ReadonlySet<WayName> = new Set(['c-forwarder-plain', 'ts-forwarder']);

/** A way whose packets are counted on the link, because tunnel devices do not count alike. */
export interface Compared extends Way {
  readonly name: WayName;
  readonly about: string;
  /** Of the tunnel device, in octets; of the link for the way without a tunnel. */
  readonly mtu: number;
  readonly server: Netns;
}

export interface LeftOut {
  readonly name: WayName;
  readonly reason: string;
}

interface Pair {
  readonly server: Netns;
  readonly client: Netns;
}

const SERVER = '10.213.0.1';
const CLIENT = '10.213.0.2';
const INNER_SERVER = '10.98.0.1';
const INNER_CLIENT = '10.98.0.2';
/** What the gateway has with its own defaults. */
const PPTP_MTU = 1396;

const mtuOf = (ns: Netns, device: string): number => Number(ns.run('cat', `/sys/class/net/${device}/mtu`));

const makePair = ({ namespace }: Bench): Pair => {
  const pair = { server: namespace(), client: namespace() };
  connect(
    { ns: pair.server, device: 'out', addresses: [`${SERVER}/24`] },
    { ns: pair.client, device: 'out', addresses: [`${CLIENT}/24`] },
  );
  return pair;
};

/** Gives both ends of a tunnel their addresses, and the server something to answer with. */
export const raise = (ns: Netns, device: string, local: string, remote: string, mtu: number): void => {
  ns.ip('link', 'set', device, 'mtu', String(mtu), 'txqueuelen', '1000', 'up');
  ns.ip('address', 'add', local, 'peer', remote, 'dev', device);
};

const link = async (bench: Bench): Promise<Compared> => {
  const { server, client } = makePair(bench);
  await serveLoad(bench.children, server);
  return { name: 'link', about: 'veth, no tunnel', mtu: mtuOf(client, 'out'), server, from: client, target: SERVER };
};

const forwarder =
  (offloads: 'offloads' | 'plain') =>
  async (bench: Bench): Promise<Compared> => {
    const { children } = bench;
    const { server, client } = makePair(bench);
    const end = (ns: Netns, local: string, remote: string, inner: string) =>
      children.startProgram(
        ns,
        [nativeProgram('forwarder'), 'tunnel', offloads, local, `${remote},${inner},1`],
        {},
        said('up'),
      );
    const near = await end(server, SERVER, CLIENT, INNER_CLIENT);
    const far = await end(client, CLIENT, SERVER, INNER_SERVER);
    raise(server, 'tunnel', INNER_SERVER, INNER_CLIENT, PPTP_MTU);
    raise(client, 'tunnel', INNER_CLIENT, INNER_SERVER, PPTP_MTU);
    await serveLoad(children, server);
    return {
      name: offloads === 'offloads' ? 'c-forwarder' : 'c-forwarder-plain',
      about: `plain C, the same path, MPPE-128 stateless, ${offloads === 'offloads' ? 'GSO and GRO' : 'no offloads'}`,
      mtu: PPTP_MTU,
      server,
      from: client,
      target: INNER_SERVER,
      carriers: { gateway: pidOf(near.child), peer: pidOf(far.child), ns: client, device: 'out' },
    };
  };

const typescriptForwarder = async (bench: Bench): Promise<Compared> => {
  const { server, client } = makePair(bench);
  const end = (ns: Netns, ...words: readonly string[]) =>
    bench.children.start(ns, [program('forwarder-main'), ...words], {}, said('up'));
  const near = await end(server, SERVER, CLIENT, INNER_SERVER, INNER_CLIENT);
  const far = await end(client, CLIENT, SERVER, INNER_CLIENT, INNER_SERVER);
  await serveLoad(bench.children, server);
  return {
    name: 'ts-forwarder',
    about: 'TypeScript, raw-socket and a TUN device, no protocol and no encryption',
    mtu: PPTP_MTU,
    server,
    from: client,
    target: INNER_SERVER,
    carriers: { gateway: pidOf(near.child), peer: pidOf(far.child), ns: client, device: 'out' },
  };
};

const pptp = async ({ namespace, children, state }: Bench): Promise<Compared> => {
  const [server, client] = [namespace(), namespace()];
  const tunnel = await startTunnel('pptp', [server, client], children, await gatewayState(state));
  return {
    ...tunnel,
    name: 'pptp',
    about: 'our gateway and our client, MPPE-128 stateless',
    mtu: mtuOf(client, tunnel.device),
    server,
  };
};

/** A key and a certificate that signs itself, whose fingerprint the other end is told. */
const identity = (folder: string, name: string): { readonly options: readonly string[]; readonly print: string } => {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const made = ['req', '-x509', ...curve, '-days', '2', '-subj', `/CN=${name}`, '-keyout', key, '-out', cert];
  execFileSync('openssl', made, { stdio: 'pipe' });
  const said = execFileSync('openssl', ['x509', '-in', cert, '-noout', '-fingerprint', '-sha256'], {
    encoding: 'utf8',
  });
  return { options: ['--key', key, '--cert', cert], print: said.trim().replace(/^.*=/, '') };
};

const openvpn = async (bench: Bench): Promise<Compared | LeftOut> => {
  const found = comparator('openvpn');
  if ('reason' in found) return { name: 'openvpn', reason: found.reason };
  const folder = join(bench.state, 'openvpn');
  await mkdir(folder);
  const identities = { server: identity(folder, 'server'), client: identity(folder, 'client') };
  const { server, client } = makePair(bench);
  const start = (side: 'server' | 'client') => {
    const isServer = side === 'server';
    const other = identities[isServer ? 'client' : 'server'];
    const inner = isServer ? [INNER_SERVER, INNER_CLIENT] : [INNER_CLIENT, INNER_SERVER];
    const options = [
      ...['--dev', 'tunnel', '--dev-type', 'tun', '--ifconfig', ...inner, '--disable-dco', '--fast-io'],
      ...['--proto', 'udp4', '--local', isServer ? SERVER : CLIENT, '--port', '1194', '--txqueuelen', '1000'],
      ...(isServer ? ['--tls-server', '--dh', 'none'] : ['--tls-client', '--remote', SERVER]),
      ...['--data-ciphers', 'AES-128-GCM', '--cipher', 'AES-128-GCM', '--peer-fingerprint', other.print],
      ...identities[side].options,
      ...['--reneg-sec', '0', '--verb', '3'],
    ];
    const env = { LD_LIBRARY_PATH: found.libraries };
    return bench.children.startProgram(
      isServer ? server : client,
      [found.programs['openvpn'] ?? 'openvpn', ...options],
      env,
      // The last line of its start, on both ends.
      (line) => /Data Channel: cipher '([^']+)'/.exec(line)?.[1],
      30_000,
    );
  };
  const [near, far] = await Promise.all([start('server'), start('client')]);
  const cipher = [near, far].find(({ value }) => value !== 'AES-128-GCM');
  if (cipher !== undefined) return { name: 'openvpn', reason: `it took the cipher ${cipher.value}` };
  await serveLoad(bench.children, server);
  return {
    name: 'openvpn',
    about: `${found.version.replace(/ x86_64.*| aarch64.*| \[.*/, '')}, AES-128-GCM, UDP, without its kernel module`,
    mtu: mtuOf(client, 'tunnel'),
    server,
    from: client,
    target: INNER_SERVER,
    carriers: { gateway: pidOf(near.child), peer: pidOf(far.child), ns: client, device: 'out' },
  };
};

/** Its control socket lies in /run, which `ip netns exec` lets us replace for this process alone. */
const WIREGUARD = `
mount -t tmpfs none /run || exit 1
mkdir -p /run/wireguard
"$GO" -f tunnel & pid=$!
trap 'kill $pid; wait $pid; exit 0' TERM
for turn in $(seq 100); do [ -S /run/wireguard/tunnel.sock ] && break; sleep 0.1; done
"$WG" set tunnel private-key "$KEY" listen-port 51820 peer "$PEER" allowed-ips 0.0.0.0/0 endpoint "$ENDPOINT" || exit 1
echo "{\\"event\\":\\"up\\",\\"pid\\":$pid}"
wait $pid
`;

const wireguard = async (bench: Bench): Promise<Compared | LeftOut> => {
  const found = comparator('wireguard');
  if ('reason' in found) return { name: 'wireguard-go', reason: found.reason };
  const [go = '', wg = ''] = [found.programs['wireguard-go'], found.programs['wg']];
  const makeKey = async (name: string) => {
    const key = execFileSync(wg, ['genkey'], { encoding: 'utf8' });
    const file = join(bench.state, `wireguard-${name}.key`);
    await writeFile(file, key, { mode: 0o600 });
    return { file, public: execFileSync(wg, ['pubkey'], { input: key, encoding: 'utf8' }).trim() };
  };
  const keys = { server: await makeKey('server'), client: await makeKey('client') };
  const { server, client } = makePair(bench);
  const start = async (ns: Netns, key: string, peer: string, endpoint: string): Promise<number> => {
    const env = { GO: go, WG: wg, KEY: key, PEER: peer, ENDPOINT: `${endpoint}:51820`, LOG_LEVEL: 'error' };
    const { value } = await bench.children.startProgram(ns, ['sh', '-c', WIREGUARD], env, (line) => {
      const { event, pid } = jsonLine(line);
      return event === 'up' && typeof pid === 'number' ? pid : undefined;
    });
    return value;
  };
  const near = await start(server, keys.server.file, keys.client.public, CLIENT);
  const far = await start(client, keys.client.file, keys.server.public, SERVER);
  const mtu = mtuOf(client, 'tunnel');
  raise(server, 'tunnel', INNER_SERVER, INNER_CLIENT, mtu);
  raise(client, 'tunnel', INNER_CLIENT, INNER_SERVER, mtu);
  await serveLoad(bench.children, server);
  return {
    name: 'wireguard-go',
    about: found.version,
    mtu,
    server,
    from: client,
    target: INNER_SERVER,
    carriers: { gateway: near, peer: far, ns: client, device: 'out' },
  };
};

const MAKERS: Readonly<Record<WayName, (bench: Bench) => Promise<Compared | LeftOut>>> = {
  link,
  'c-forwarder': forwarder('offloads'),
  'c-forwarder-plain': forwarder('plain'),
  'ts-forwarder': typescriptForwarder,
  pptp,
  openvpn,
  'wireguard-go': wireguard,
};

/** The usual ways, or those of `--ways=`; the other VPNs may fail, ours and the link may not. */
export const makeCompared = async (
  bench: Bench,
): Promise<{ readonly ways: readonly Compared[]; readonly leftOut: readonly LeftOut[] }> => {
  const wanted = listOption('ways');
  const [ways, leftOut]: [Compared[], LeftOut[]] = [[], []];
  for (const name of WAY_NAMES) {
    if (wanted === undefined ? BY_NAME.has(name) : !wanted.includes(name)) continue;
    const made = await MAKERS[name](bench).catch((cause: unknown) => {
      if (name !== 'openvpn' && name !== 'wireguard-go') throw cause;
      return { name, reason: cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause) };
    });
    if ('reason' in made) leftOut.push(made);
    else ways.push(made);
  }
  return { ways, leftOut };
};
