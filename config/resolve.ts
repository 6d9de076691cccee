import { availableParallelism } from 'node:os';
import { formatIpv4, type Ipv4, ipv4, parseIpv4 } from '../core/bytes/ipv4-address.ts';
import { type Ipv6, parseIpv6, parseIpv6Network, UNSPECIFIED } from '../core/bytes/ipv6-address.ts';
import { MPPE_OVERHEAD } from '../core/wire/mppe-header.ts';
import { resolveEdge } from './edge.ts';
import { readFilters } from './filters.ts';
import { firstHost, hostCount, isHostOf, isWithin, parseNamedNetwork, parseNetwork } from './formats.ts';
import type { ConfigProblem } from './problems.ts';
import { keyByPath } from './schema.ts';
import {
  type GatewayConfig,
  type Ipv4Network,
  MOST_WORKERS,
  type NamedNetwork,
  type Origins,
  type RawConfig,
} from './types.ts';
import { SOCKET_PATH_OCTETS, workersProblems } from './workers.ts';

export interface Resolved {
  readonly config: GatewayConfig;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

/** MPPC alone has the same header, and packets that it cannot make smaller. */
const ccpOverhead = ({ policy, mppc }: Pick<GatewayConfig['mppe'], 'policy' | 'mppc'>): number =>
  policy === 'disabled' && mppc === 'off' ? 0 : MPPE_OVERHEAD;
/** Outside the MRU: IPv4 header 20, GRE with sequence and acknowledgment 16, FF 03 and protocol 4. */
const OUTER_OVERHEAD = 40;
const ETHERNET_MTU = 1500;
const LEAST_MRU = 576;
/** RFC 8200 section 5. */
const IPV6_LEAST_MTU = 1280;

// The formats have passed, so these cannot fail; the fall-backs only keep the types honest.
const address = (text: string): Ipv4 => parseIpv4(text) ?? ipv4(0);
const address6 = (text: string): Ipv6 => parseIpv6(text) ?? UNSPECIFIED;
const namedNetworkOf = (text: string): NamedNetwork =>
  parseNamedNetwork(text) ?? { name: text, network: network(text) };
const network = (text: string): Ipv4Network => parseNetwork(text) ?? { network: ipv4(0), prefixLength: 32, text };

class Findings {
  readonly problems: ConfigProblem[] = [];
  readonly warnings: string[] = [];
  readonly #isBad: (path: string) => boolean;

  constructor(isBad: (path: string) => boolean) {
    this.#isBad = isBad;
  }

  /** `other` is the key that `path` conflicts with; nothing is said while one of them has a problem of its own. */
  problem(path: string, message: string, other: string): void {
    if (this.#isBad(path) || this.#isBad(other)) return;
    const env = keyByPath.get(path)?.env;
    this.problems.push({ key: path, ...(env === undefined ? {} : { env }), message });
  }

  warn(path: string, message: string): void {
    this.warnings.push(`${path} (${keyByPath.get(path)?.env ?? ''}): ${message}`);
  }
}

const checkPool = (config: GatewayConfig, isSet: (path: string) => boolean, findings: Findings): void => {
  const { range, named, gatewayAddress } = config.pool;
  const free = clientAddresses(config.pool);
  if (!isHostOf(range, gatewayAddress)) {
    findings.problem('pool.gatewayAddress', `must be a host address of pool.range ${range.text}.`, 'pool.range');
  }
  if (isSet('calls.max') && config.calls.max > free) {
    findings.warn('calls.max', `${config.calls.max} calls, but pool.range ${range.text} has ${free} client addresses.`);
  }
  for (const [at, { name, network: one }] of named.entries()) {
    const others = [range, ...named.slice(0, at).map((other) => other.network)];
    const overlap = others.find((other) => isWithin(other, one) || isWithin(one, other));
    if (overlap !== undefined) {
      findings.problem('pool.named', `${name}=${one.text} overlaps ${overlap.text}.`, 'pool.range');
    }
    if (named.findIndex((other) => other.name === name) < at) {
      findings.problem('pool.named', `${name} is there twice.`, 'pool.range');
    }
  }
};

/** Addresses that clients can have. */
const clientAddresses = ({ range, named }: Pick<GatewayConfig['pool'], 'range' | 'named'>): number =>
  named.reduce((sum, { network: one }) => sum + hostCount(one), hostCount(range) - 1);

const checkLimits = (config: GatewayConfig, isSet: (path: string) => boolean, findings: Findings): void => {
  const { maxConnections, maxConnectionsPerAddress } = config.listen;
  // Only when both were chosen: lowering the total alone is enough to say what is meant.
  if (isSet('listen.maxConnectionsPerAddress') && maxConnectionsPerAddress > maxConnections) {
    const message = `must not be more than listen.maxConnections, which is ${maxConnections}.`;
    findings.problem('listen.maxConnectionsPerAddress', message, 'listen.maxConnections');
  }
};

/** Authentication methods without protection worth the name, and what is wrong with them. */
const WEAK_METHODS: Readonly<Record<string, string>> = {
  pap: 'pap sends passwords in the clear.',
  'chap-md5': 'chap-md5 can be guessed offline and needs passwords stored readably; it does not encrypt.',
  'ms-chap-v1': 'ms-chap-v1 is broken, does not prove the gateway to the client, and uses one key both ways.',
};
/** Methods that yield no MPPE keys. A name that is not here may be a plug-in's. */
const KEYLESS_METHODS: readonly string[] = ['pap', 'chap-md5'];

const checkAuthentication = (config: GatewayConfig, _isSet: (path: string) => boolean, findings: Findings): void => {
  const { methods } = config.auth;
  for (const method of methods) {
    const why = WEAK_METHODS[method];
    if (why !== undefined) findings.warn('auth.methods', why);
  }
  if (config.mppe.policy !== 'required') return;
  const keyed = methods.filter((method) => !KEYLESS_METHODS.includes(method));
  if (keyed.length === 0) {
    const message = 'must name a method that yields encryption keys, such as ms-chap-v2, when mppe.policy is required.';
    findings.problem('auth.methods', message, 'mppe.policy');
  } else if (keyed.every((method) => method === 'ms-chap-v1') && !config.mppe.strengths.includes(128)) {
    findings.problem(
      'mppe.strengths',
      'must include 128: of ms-chap-v1 only the keys of 128 bits are supported, not those of 40 and 56.',
      'auth.methods',
    );
  }
};

const checkEap = (config: GatewayConfig, isSet: (path: string) => boolean, findings: Findings): void => {
  const { methods, tlsMinVersion, tlsMaxVersion } = config.eap;
  if (!config.auth.methods.includes('eap')) {
    if (isSet('eap.methods')) findings.warn('eap.methods', 'has no effect because auth.methods does not name eap.');
    return;
  }
  if (methods.includes('md5')) findings.warn('eap.methods', 'md5 can be guessed offline; it does not encrypt.');
  if (config.mppe.policy === 'required' && methods.every((method) => method === 'md5')) {
    const message = 'must name a method that yields encryption keys, such as tls, when mppe.policy is required.';
    findings.problem('eap.methods', message, 'mppe.policy');
  }
  if (!methods.includes('tls')) return;
  for (const file of ['tlsCert', 'tlsKey', 'tlsCa'] as const) {
    if (config.eap[file] !== 'none') continue;
    findings.problem(`eap.${file}`, 'must name a PEM file because eap.methods names tls.', 'eap.methods');
  }
  if (tlsMinVersion > tlsMaxVersion) {
    findings.problem('eap.tlsMinVersion', `must not be above eap.tlsMaxVersion ${tlsMaxVersion}.`, 'eap.tlsMaxVersion');
  }
};

const checkEncryption = (config: GatewayConfig, isSet: (path: string) => boolean, findings: Findings): void => {
  const { policy, strengths } = config.mppe;
  if (policy !== 'disabled' && strengths.length === 0) {
    findings.problem('mppe.strengths', `must name a key length when mppe.policy is ${policy}.`, 'mppe.policy');
  }
  if (policy === 'disabled' && isSet('mppe.strengths') && strengths.length > 0) {
    findings.warn('mppe.strengths', 'has no effect because mppe.policy is disabled.');
  }
  if (policy !== 'disabled' && config.mppe.stateful !== 'off') {
    findings.warn('mppe.stateful', `${config.mppe.stateful}: not for paths that lose packets (RFC 3078 section 9).`);
  }
  if (policy !== 'required') {
    findings.warn('mppe.policy', `${policy} lets user data pass unencrypted.`);
  }
  const weak = strengths.filter((bits) => bits < 128);
  if (policy !== 'disabled' && weak.length > 0) {
    findings.warn('mppe.strengths', `${weak.join(' and ')} bit keys can be broken by trying them all.`);
  }
};

const checkNetwork = (config: GatewayConfig, isSet: (path: string) => boolean, findings: Findings): void => {
  const { manage, nat, natInterfaces, proxyArp } = config.network;
  const most = config.ppp.mru - ccpOverhead(config.mppe);
  if (config.tun.mtu > most) {
    findings.warn('tun.mtu', `packets over ${most} octets do not fit into ppp.mru ${config.ppp.mru} and are dropped.`);
  }
  if (nat === 'off' && natInterfaces.length > 0) {
    findings.warn('network.natInterfaces', 'has no effect because network.nat is off.');
  }
  if (nat === 'on' && proxyArp.length > 0) {
    findings.warn('network.proxyArp', 'the intranet sees the address of the gateway anyway because network.nat is on.');
  }
  if (manage) return;
  for (const path of ['nat', 'natInterfaces', 'proxyArp', 'routes', 'mssClamp'].map((name) => `network.${name}`)) {
    if (isSet(path)) findings.warn(path, 'has no effect because network.manage is false.');
  }
};

const checkPath = (config: GatewayConfig, outerMtu: number | undefined, findings: Findings): void => {
  const { mru } = config.ppp;
  if (outerMtu === undefined || mru + OUTER_OVERHEAD <= outerMtu) return;
  findings.warn(
    'ppp.mru',
    `${mru} octets and 20 (IP), 16 (GRE) and 4 (PPP) around them are ${mru + OUTER_OVERHEAD}, but the outer interface ` +
      `carries ${outerMtu}: such packets are dropped. ${outerMtu - OUTER_OVERHEAD} or less fits.`,
  );
};

const checkIpv6 = (config: GatewayConfig, isSet: (path: string) => boolean, findings: Findings): void => {
  const { ipv6 } = config.pool;
  if (ipv6 === undefined) {
    if (isSet('pool.ipv6Dns')) findings.warn('pool.ipv6Dns', 'has no effect because pool.ipv6 is off.');
    return;
  }
  const least = IPV6_LEAST_MTU + MPPE_OVERHEAD;
  if (config.ppp.mru < least) {
    findings.problem('pool.ipv6', `needs a ppp.mru of ${least} or more: IPv6 packets may have 1280 octets.`, 'ppp.mru');
  }
  if (config.tun.mtu < IPV6_LEAST_MTU) {
    findings.problem('pool.ipv6', `needs a tun.mtu of ${IPV6_LEAST_MTU} or more.`, 'tun.mtu');
  }
};

const checkAdmin = (config: GatewayConfig, isSet: (path: string) => boolean, findings: Findings): void => {
  checkAdminListener(config, isSet, findings);
  const { socket } = config.admin;
  if (socket === undefined || Buffer.byteLength(socket) <= SOCKET_PATH_OCTETS) return;
  const message = `the path ${socket} is too long for a Unix socket: ${SOCKET_PATH_OCTETS} octets is the most.`;
  findings.problem('admin.socket', message, 'stateDir');
};

const ADMIN_TOKENS = ['token', 'operateToken', 'readToken'] as const;
const isLoopback = (text: string): boolean => text.startsWith('127.') || text === '::1';

const checkAdminListener = ({ admin }: GatewayConfig, isSet: (path: string) => boolean, findings: Findings): void => {
  const { address: text, port, tlsCert, tlsKey } = admin;
  if (port === 0) {
    const idle = ['address', ...ADMIN_TOKENS, 'tlsCert', 'tlsKey'].filter((name) => isSet(`admin.${name}`));
    for (const name of idle) findings.warn(`admin.${name}`, 'has no effect because admin.port is 0.');
    return;
  }
  for (const [at, name] of ADMIN_TOKENS.entries()) {
    const same = ADMIN_TOKENS.slice(0, at).find((other) => admin[name] !== '' && admin[other] === admin[name]);
    if (same === undefined) continue;
    findings.problem(`admin.${name}`, `must not be the same as admin.${same}: each role has its own.`, `admin.${same}`);
  }
  for (const [name, other] of [
    ['tlsKey', 'tlsCert'],
    ['tlsCert', 'tlsKey'],
  ] as const) {
    if (admin[name] !== 'none' || admin[other] === 'none') continue;
    findings.problem(`admin.${name}`, `must name a PEM file because admin.${other} does.`, `admin.${other}`);
  }
  if (tlsCert === 'none' && tlsKey === 'none' && !isLoopback(text)) {
    const what = `tokens can be read on the way to ${text}, which is not of this host alone: set PPTP_ADMIN_TLS_CERT and PPTP_ADMIN_TLS_KEY.`;
    findings.warn('admin.address', what);
  }
};

const inFolder = (folder: string, name: string): string => `${folder.replace(/\/+$/, '')}/${name}`;

const adminSocket = ({ admin: { socket }, stateDir }: RawConfig): string | undefined => {
  if (socket === 'off') return undefined;
  return socket === 'auto' ? inFolder(stateDir, 'admin.sock') : socket;
};

const checkDial = (config: GatewayConfig, isSet: (path: string) => boolean, findings: Findings): void => {
  const { server, user, password, tun, routes } = config.dial;
  const { range } = config.pool;
  if (server === undefined) {
    for (const path of ['user', 'password', 'routes', 'tun'].map((name) => `dial.${name}`)) {
      if (isSet(path)) findings.warn(path, 'has no effect because dial.server is none.');
    }
    return;
  }
  if (user === '') findings.problem('dial.user', 'must name a user because dial.server is set.', 'dial.server');
  if (password === '') findings.problem('dial.password', 'must be given because dial.server is set.', 'dial.server');
  for (const route of routes.filter((one) => isWithin(range, one))) {
    const what = `${route.text} would lead this gateway's own clients (pool.range ${range.text}) to the other site.`;
    findings.problem('dial.routes', what, 'pool.range');
  }
  if (tun === config.tun.name) findings.problem('dial.tun', 'must not be tun.name: each needs a device.', 'tun.name');
};

const checkUsers = ({ users, plugins }: GatewayConfig, findings: Findings): void => {
  if (users.source === 'file' || plugins.length > 0) return;
  findings.problem('users.source', 'is plugins, but plugins names none that could know users.', 'plugins');
};

const checkWorkers = (config: GatewayConfig, isSet: (path: string) => boolean, findings: Findings): void => {
  for (const { path, message } of workersProblems(config)) findings.problem(path, message, 'workers');
  if (config.workers > 1 && isSet('network.routes')) {
    findings.warn('network.routes', 'go to the first worker: a plug-in that knows their sessions must run there.');
  }
};

const pathMru = (outerMtu: number | undefined): number =>
  Math.max(LEAST_MRU, Math.min(ETHERNET_MTU, outerMtu ?? ETHERNET_MTU) - OUTER_OVERHEAD);

/** Works out what is `auto`, and checks the keys against each other. `outerMtu` is that of the outer interface. */
export const resolveConfig = (
  raw: RawConfig,
  origins: Origins,
  badKeys: ReadonlySet<string>,
  outerMtu?: number,
): Resolved => {
  const range = network(raw.pool.range);
  const named = raw.pool.named.map(namedNetworkOf);
  const mru = raw.ppp.mru === 'auto' ? pathMru(outerMtu) : raw.ppp.mru;
  const mtu = mru - ccpOverhead(raw.mppe);
  const { intranetInterface } = raw.network;
  const filters = raw.filters.file === 'none' ? undefined : readFilters(raw.filters.file);
  const { edge, mistakes } = resolveEdge(raw);
  const config: GatewayConfig = {
    ...raw,
    edge,
    workers: raw.workers === 'auto' ? Math.min(MOST_WORKERS, availableParallelism()) : raw.workers,
    calls: {
      ...raw.calls,
      max: raw.calls.max === 'auto' ? Math.min(65_535, clientAddresses({ range, named })) : raw.calls.max,
    },
    pool: {
      range,
      named,
      gatewayAddress: raw.pool.gatewayAddress === 'auto' ? firstHost(range) : address(raw.pool.gatewayAddress),
      dns: raw.pool.dns.map(address),
      wins: raw.pool.wins.map(address),
      ipv6: parseIpv6Network(raw.pool.ipv6),
      ipv6Dns: raw.pool.ipv6Dns.map(address6),
    },
    ppp: { ...raw.ppp, mru },
    tun: { ...raw.tun, mtu: raw.tun.mtu === 'auto' ? mtu : raw.tun.mtu },
    network: {
      ...raw.network,
      intranetInterface: intranetInterface === 'auto' ? undefined : intranetInterface,
      routes: raw.network.routes.map(network),
    },
    dial: {
      ...raw.dial,
      server: raw.dial.server === 'none' ? undefined : raw.dial.server,
      routes: raw.dial.routes.map(network),
    },
    users: {
      source: raw.users.source,
      file: raw.users.file === 'auto' ? inFolder(raw.stateDir, 'users.json') : raw.users.file,
    },
    filters: filters?.lists ?? {},
    admin: { ...raw.admin, socket: adminSocket(raw) },
    pluginOptions: { ...(JSON.parse(raw.pluginOptions) as Readonly<Record<string, unknown>>) },
  };
  const findings = new Findings((path) => badKeys.has(path));
  // By the operator: what a profile says gives way like a default.
  const isSet = (path: string): boolean => !['default', 'profile'].includes(origins.get(path)?.kind ?? 'default');
  for (const check of [
    checkPool,
    checkLimits,
    checkAuthentication,
    checkEap,
    checkEncryption,
    checkNetwork,
    checkAdmin,
  ])
    check(config, isSet, findings);
  for (const mistake of filters?.mistakes ?? []) findings.problem('filters.file', mistake, 'filters.file');
  for (const mistake of mistakes) findings.problem('edge.accessFile', mistake, 'edge.accessFile');
  checkIpv6(config, isSet, findings);
  checkDial(config, isSet, findings);
  checkUsers(config, findings);
  checkWorkers(config, isSet, findings);
  checkPath(config, outerMtu, findings);
  return { config, problems: findings.problems, warnings: findings.warnings };
};

/** What an `auto` became, for people; undefined for every other key. */
export const resolvedText = (path: string, config: GatewayConfig): string | undefined => {
  switch (path) {
    case 'workers':
      return String(config.workers);
    case 'calls.max':
      return String(config.calls.max);
    case 'edge.maxUnauthenticated':
      return String(config.edge.maxUnauthenticated);
    case 'edge.maxUnauthenticatedPerAddress':
      return String(config.edge.maxUnauthenticatedPerAddress);
    case 'edge.connectRatePerAddress':
      return String(config.edge.connectRatePerAddress);
    case 'edge.idleTimeout':
      return String(config.edge.idleTimeout);
    case 'pool.gatewayAddress':
      return formatIpv4(config.pool.gatewayAddress);
    case 'ppp.mru':
      return String(config.ppp.mru);
    case 'tun.mtu':
      return String(config.tun.mtu);
    case 'users.file':
      return config.users.file;
    case 'admin.socket':
      return config.admin.socket ?? 'off';
    case 'network.intranetInterface':
      return config.network.intranetInterface ?? 'the interface of the default route';
    default:
      return undefined;
  }
};
