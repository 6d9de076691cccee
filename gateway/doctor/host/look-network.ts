import { networkInterfaces } from 'node:os';
import type { GatewayConfig } from '../../../config/types.ts';
import { ipv4, parseIpv4 } from '../../../core/bytes/ipv4-address.ts';
import { IP_PROTOCOL } from '../../../core/wire/ipv4.ts';
import { outerInterface, outerMtu } from '../../outer-mtu.ts';
import type { ConntrackFacts } from '../checks/conntrack.ts';
import type { ControlPortFacts } from '../checks/control-port.ts';
import { acceptsRelatedGreOnly, type FirewallFacts, ruleSets } from '../checks/firewall.ts';
import type { ForwardingFacts } from '../checks/forwarding.ts';
import type { GreSocketFacts } from '../checks/gre-socket.ts';
import type { GreUsersFacts } from '../checks/gre-users.ts';
import type { MtuFacts } from '../checks/mtu.ts';
import type { HostAddress, PoolFacts } from '../checks/pool.ts';
import { parseIptables } from '../firewall/iptables-rules.ts';
import type { RuleSet } from '../firewall/model.ts';
import { parseNftRuleSet, withIptables } from '../firewall/nft-rules.ts';
import { probeOwnGre } from './gre-probe.ts';
import { parseListeners, parseRawSockets, parseRoutes } from './proc-net.ts';
import { holdersOf, type Process } from './processes.ts';
import { exists, isWritable, namesIn, readLine, readText, runProgram } from './system.ts';

const ANY = '0.0.0.0';
const LOOPBACK = ipv4(0x7f000001);

const hostAddresses = (): readonly HostAddress[] =>
  Object.entries(networkInterfaces()).flatMap(([interfaceName, own]) =>
    (own ?? []).flatMap((one) => {
      const address = one.family === 'IPv4' ? parseIpv4(one.address) : undefined;
      return address === undefined ? [] : [{ interfaceName, address }];
    }),
  );

export const lookAtControlPort = async (processes: readonly Process[]): Promise<ControlPortFacts> => {
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readText(`/proc/net/${name}`)));
  const sockets = tables.flatMap((table) => parseListeners(table ?? ''));
  const holders = await holdersOf(new Set(sockets.map(({ inode }) => inode)), processes);
  const addresses = Object.values(networkInterfaces())
    .flatMap((own) => own ?? [])
    .filter(({ family }) => family === 'IPv4')
    .map(({ address }) => address);
  return {
    listeners: sockets.map(({ address, port, inode }) => ({ address, port, holder: holders.get(inode) })),
    addresses,
  };
};

/** Programs that serve PPTP, by the name of the process. */
const SERVERS: ReadonlySet<string> = new Set(['pptpd', 'pptpctrl', 'accel-pppd', 'mpd5', 'bcrelay']);

export const lookAtGreUsers = async (processes: readonly Process[]): Promise<GreUsersFacts> => {
  const inodes = parseRawSockets((await readText('/proc/net/raw')) ?? '', IP_PROTOCOL.gre);
  const holders = await holdersOf(new Set(inodes), processes);
  return {
    rawSockets: inodes.map((inode) => holders.get(inode)),
    servers: processes.filter(({ name }) => SERVERS.has(name)),
    modules: await loadedModules(),
  };
};

const loadedModules = async (): Promise<readonly string[]> =>
  ((await readText('/proc/modules')) ?? '').split('\n').flatMap((line) => line.split(' ')[0] ?? []);

export const lookAtGreSocket = ({ listen, gre }: GatewayConfig): Promise<GreSocketFacts> =>
  probeOwnGre(gre.driver, (listen.address === ANY ? undefined : parseIpv4(listen.address)) ?? LOOPBACK);

export const lookAtFirewall = async ({ listen }: GatewayConfig): Promise<FirewallFacts> => {
  const outer = outerInterface(listen.address);
  // Only where the old tables are in use: asking for them would load their modules.
  const names = (await readText('/proc/net/ip_tables_names')) ?? '';
  const legacy = names.trim() === '' ? undefined : await savedRules('legacy');
  return { nft: await nftRules(), legacy, outer };
};

const nftRules = async (): Promise<FirewallFacts['nft']> => {
  const listed = await runProgram('nft', '-j', 'list', 'ruleset');
  if (listed.missing) return 'missing';
  const rules = listed.ok ? parseNftRuleSet(listed.stdout) : undefined;
  if (rules === undefined) return { refused: listed.stderr.split('\n')[0] || 'nft printed no rules' };
  const saved = rules.opaqueTables.length === 0 ? undefined : await savedRules('nft');
  return saved === undefined ? rules : withIptables(rules, saved);
};

/** There are two kinds of iptables, with tables of their own; `iptables-save` is the one or the other, and says which. */
const savedRules = async (kind: 'legacy' | 'nft'): Promise<RuleSet | undefined> => {
  for (const program of [`iptables-${kind}-save`, 'iptables-save']) {
    const { ok, stdout } = await runProgram(program);
    if (ok && stdout.includes('(nf_tables)') === (kind === 'nft')) return parseIptables(stdout);
  }
  return undefined;
};

const HELPER = 'nf_conntrack_pptp';

export const lookAtConntrack = async (firewall: FirewallFacts): Promise<ConntrackFacts> => {
  const [tracks, loaded, release, automatic] = await Promise.all([
    exists('/proc/sys/net/netfilter/nf_conntrack_max'),
    exists(`/sys/module/${HELPER}`),
    readLine('/proc/sys/kernel/osrelease'),
    readLine('/proc/sys/net/netfilter/nf_conntrack_helper'),
  ]);
  const builtIn = await readText(`/lib/modules/${release ?? ''}/modules.builtin`);
  return {
    tracks,
    hasHelper: loaded || (await loadedModules()).includes(HELPER) || (builtIn ?? '').includes(`/${HELPER}.ko`),
    automatic,
    assigned: ruleSets(firewall).some(({ assignsPptpHelper }) => assignsPptpHelper),
    needed: acceptsRelatedGreOnly(firewall),
  };
};

const CONF = '/proc/sys/net/ipv4/conf';
const FORWARD = '/proc/sys/net/ipv4/ip_forward';

export const lookAtForwarding = async (): Promise<ForwardingFacts> => {
  const rpFilter = new Map<string, string>();
  for (const name of await namesIn(CONF)) {
    const value = await readLine(`${CONF}/${name}/rp_filter`);
    if (value !== undefined) rpFilter.set(name, value);
  }
  const defaults = parseRoutes((await readText('/proc/net/route')) ?? '').filter((one) => one.prefixLength === 0);
  return {
    forward: await readLine(FORWARD),
    canChange: await isWritable(FORWARD),
    rpFilter,
    defaultInterfaces: defaults.map(({ interfaceName }) => interfaceName),
  };
};

export const lookAtMtu = ({ listen }: GatewayConfig): MtuFacts => ({
  outer: outerInterface(listen.address),
  outerMtu: outerMtu(listen.address),
});

export const lookAtPool = async (): Promise<PoolFacts> => ({
  addresses: hostAddresses(),
  routes: parseRoutes((await readText('/proc/net/route')) ?? ''),
});
