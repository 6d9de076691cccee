import type { Schema } from 'convict';
import { dialKeys } from './dial-keys.ts';
import { edgeKeys } from './edge-keys.ts';
import {
  absolutePath,
  asciiName,
  either,
  integer,
  interfaceName,
  ipv4Address,
  ipv4Network,
  ipv6Address,
  ipv6Network,
  jsonObject,
  list,
  methodName,
  moduleName,
  mppeStrength,
  namedNetwork,
  oneOf,
  toggle,
  tunName,
} from './formats.ts';
import { type Key, key, listKeys } from './key.ts';
import { observabilityKeys } from './observability-keys.ts';
import { MOST_WORKERS, PROFILE_NAMES, type RawConfig } from './types.ts';

const seconds = (least: number, most: number) => integer(least, most, 'seconds');
const milliseconds = (least: number, most: number) => integer(least, most, 'milliseconds');
const auto = oneOf('auto');
const fileOrNone = either(absolutePath, oneOf('none'));

/**
 * Every key of the gateway: name, format, default, environment name and one line of documentation. docs/configuration.md
 * is generated from here (`node setup/docs.mjs`).
 */
export const schema = {
  profile: key(oneOf(...PROFILE_NAMES), {
    env: 'PPTP_PROFILE',
    flag: '--profile',
    default: 'none',
    doc: 'Values for a kind of use in place of the defaults; whatever is set elsewhere beats them. See docs/profiles.md.',
  }),
  hostName: key(asciiName, {
    env: 'PPTP_HOST_NAME',
    reload: true,
    default: 'pptp-gateway',
    doc: 'Name the gateway gives itself in PPTP replies and in authentication challenges.',
  }),
  vendor: key(asciiName, {
    env: 'PPTP_VENDOR',
    reload: true,
    default: 'pptp-gateway',
    doc: 'Vendor string of the Start-Control-Connection-Reply.',
  }),
  stateDir: key(absolutePath, {
    env: 'PPTP_STATE_DIR',
    flag: '--state-dir',
    default: '/var/lib/pptp-gateway',
    doc: 'Folder for what must survive a restart: the user file and the record of what was set up on the host.',
  }),
  workers: key(either(integer(1, MOST_WORKERS), auto), {
    env: 'PPTP_WORKERS',
    default: 1,
    doc: 'Processes that carry tunnels: each tunnel is in one of them, so that all processors have work. 1 is the gateway in a single process, `auto` as many as there are processors. See docs/workers.md.',
  }),
  listen: {
    address: key(ipv4Address, {
      env: 'PPTP_LISTEN',
      flag: '--listen',
      default: '0.0.0.0',
      doc: 'Address to accept control connections on; 0.0.0.0 is every address of the host.',
    }),
    port: key(integer(1, 65535), {
      env: 'PPTP_PORT',
      flag: '--port',
      default: 1723,
      doc: 'TCP port of the control connection. Most clients can only use 1723.',
    }),
    maxConnections: key(integer(1, 100_000), {
      env: 'PPTP_MAX_CONNECTIONS',
      reload: true,
      default: 2000,
      doc: 'Control connections open at once; more are closed on arrival.',
    }),
    maxConnectionsPerAddress: key(integer(1, 100_000), {
      env: 'PPTP_MAX_CONNECTIONS_PER_ADDRESS',
      reload: true,
      default: 64,
      doc: 'Control connections, and calls, from one peer address, which may be a NAT with many clients behind it.',
    }),
  },
  setups: {
    atOnce: key(integer(0, 10_000), {
      env: 'PPTP_SETUPS_AT_ONCE',
      reload: true,
      default: 512,
      doc: 'Set-ups of tunnels that one process runs at a time, at the most; fewer while the event loop is late. More clients wait for their turn. With 0 nobody waits, and a storm of calls may leave none of them a tunnel.',
    }),
    queue: key(integer(0, 100_000), {
      env: 'PPTP_SETUP_QUEUE',
      reload: true,
      default: 10_000,
      doc: 'Clients that may wait for their set-up to begin; more are refused with a Start-Control-Connection-Reply.',
    }),
    wait: key(seconds(1, 600), {
      env: 'PPTP_SETUP_WAIT',
      reload: true,
      default: 25,
      doc: 'How long a client waits for its set-up to begin before it is refused, at most nine tenths of PPTP_ESTABLISH_TIMEOUT. More than its own patience is of no use to it.',
    }),
  },
  calls: {
    max: key(either(integer(1, 65_535), auto), {
      env: 'PPTP_MAX_CALLS',
      default: 'auto',
      doc: 'Calls up at once; `auto` is as many as the pool has client addresses.',
    }),
    maxPerConnection: key(integer(1, 65_535), {
      env: 'PPTP_MAX_CALLS_PER_CONNECTION',
      reload: true,
      default: 16,
      doc: 'Calls on one control connection.',
    }),
    acceptIncoming: key(toggle, {
      env: 'PPTP_ACCEPT_INCOMING_CALLS',
      reload: true,
      default: false,
      doc: 'Take calls that a PAC in front of real lines announces (Incoming-Call-Request), with users, addresses and limits as for all others.',
    }),
    idQuarantine: key(seconds(0, 3600), {
      env: 'PPTP_CALL_ID_QUARANTINE',
      default: 60,
      doc: 'How long a Call ID stays unused after its call, so that late packets cannot reach a new one.',
    }),
  },
  drain: {
    timeout: key(seconds(0, 86_400), {
      env: 'PPTP_DRAIN_TIMEOUT',
      reload: true,
      default: 10,
      doc: 'How long tunnels that are up may go on when the gateway is told to stop, and takes no new calls; 0 ends them at once. See docs/life-cycle.md.',
    }),
  },
  control: {
    establishTimeout: key(seconds(1, 600), {
      env: 'PPTP_ESTABLISH_TIMEOUT',
      reload: true,
      default: 30,
      doc: 'Time for a new TCP connection to complete the control connection set-up.',
    }),
    echoInterval: key(seconds(1, 3600), {
      env: 'PPTP_CONTROL_ECHO_INTERVAL',
      reload: true,
      default: 60,
      doc: 'Silence on the control connection after which an Echo-Request is sent.',
    }),
    echoTimeout: key(seconds(1, 3600), {
      env: 'PPTP_CONTROL_ECHO_TIMEOUT',
      reload: true,
      default: 60,
      doc: 'Wait for the Echo-Reply before the control connection and its calls are cleared.',
    }),
    stopTimeout: key(seconds(1, 60), {
      env: 'PPTP_CONTROL_STOP_TIMEOUT',
      reload: true,
      default: 5,
      doc: 'Wait for the answer to our Stop-Control-Connection-Request before TCP is closed.',
    }),
  },
  gre: {
    driver: key(oneOf('auto', 'batch', 'raw-socket'), {
      env: 'PPTP_GRE_DRIVER',
      default: 'auto',
      doc: 'How GRE packets are received and sent: in batches by the native addon, one by one by the package raw-socket, or in batches where the addon has them (the log line gre.open says which, and why).',
    }),
    ackDelayMs: key(milliseconds(0, 2000), {
      env: 'PPTP_GRE_ACK_DELAY_MS',
      reload: true,
      default: 100,
      doc: 'Wait for a packet to carry an acknowledgement before one is sent alone.',
    }),
    receiveWindow: key(integer(1, 65_535, 'packets'), {
      env: 'PPTP_GRE_RECEIVE_WINDOW',
      reload: true,
      default: 64,
      doc: 'Packet Receive Window Size offered to peers.',
    }),
    reorderWindow: key(integer(0, 1024, 'packets'), {
      env: 'PPTP_GRE_REORDER_WINDOW',
      reload: true,
      default: 64,
      doc: 'Packets per call held back to restore their order; 0 delivers at once and drops what comes late.',
    }),
    reorderTimeoutMs: key(milliseconds(1, 5000), {
      env: 'PPTP_GRE_REORDER_TIMEOUT_MS',
      reload: true,
      default: 300,
      doc: 'How long a missing packet is waited for.',
    }),
    window: key(oneOf('off', 'on'), {
      env: 'PPTP_GRE_WINDOW',
      default: 'off',
      doc: 'Sliding window of RFC 2637 section 4.2: send no more than the peer has room for. Costs throughput on long paths.',
    }),
    windowQueue: key(integer(1, 4096, 'packets'), {
      env: 'PPTP_GRE_WINDOW_QUEUE',
      reload: true,
      default: 256,
      doc: 'Packets per call that wait while the window is closed; more are dropped.',
    }),
    windowMaxTimeoutMs: key(milliseconds(100, 60_000), {
      env: 'PPTP_GRE_WINDOW_MAX_TIMEOUT_MS',
      reload: true,
      default: 3000,
      doc: 'Longest wait for an acknowledgement while the window is on (MaxTimeOut); it adapts to the path below that.',
    }),
    silenceSeconds: key(seconds(1, 600), {
      env: 'PPTP_GRE_SILENCE',
      reload: true,
      default: 10,
      doc: 'Time after call set-up without any GRE packet after which the log says that GRE is filtered on the way.',
    }),
    checkPeerAddress: key(toggle, {
      env: 'PPTP_GRE_CHECK_PEER_ADDRESS',
      default: true,
      doc: 'Accept the GRE packets of a call only from the address of its control connection.',
    }),
  },
  ppp: {
    mru: key(either(integer(576, 1500, 'octets'), auto), {
      env: 'PPTP_MRU',
      default: 1400,
      doc: 'Maximum-Receive-Unit offered to peers; `auto` is the MTU of the outer interface less 40 octets, 1460 on Ethernet.',
    }),
    echoInterval: key(seconds(0, 3600), {
      env: 'PPTP_LCP_ECHO_INTERVAL',
      reload: true,
      default: 30,
      doc: 'Time between LCP Echo-Requests; 0 sends none.',
    }),
    echoFailures: key(integer(1, 100), {
      env: 'PPTP_LCP_ECHO_FAILURES',
      reload: true,
      default: 4,
      doc: 'Unanswered LCP Echo-Requests in a row after which the peer counts as gone.',
    }),
    restartTimer: key(seconds(1, 60), {
      env: 'PPTP_PPP_RESTART_TIMER',
      reload: true,
      default: 3,
      doc: 'Restart timer of LCP, CCP and IPCP (RFC 1661 section 4.6).',
    }),
    maxConfigure: key(integer(1, 255), {
      env: 'PPTP_PPP_MAX_CONFIGURE',
      reload: true,
      default: 10,
      doc: 'Configure-Requests sent without an answer before the peer is given up.',
    }),
    maxTerminate: key(integer(1, 255), {
      env: 'PPTP_PPP_MAX_TERMINATE',
      reload: true,
      default: 2,
      doc: 'Terminate-Requests sent without an answer.',
    }),
    maxFailure: key(integer(1, 255), {
      env: 'PPTP_PPP_MAX_FAILURE',
      reload: true,
      default: 5,
      doc: 'Configure-Naks sent before the option is rejected.',
    }),
    authTimeout: key(seconds(1, 600), {
      env: 'PPTP_AUTH_TIMEOUT',
      reload: true,
      default: 60,
      doc: 'Time for a peer to complete authentication; people need some of it to type a password again.',
    }),
    idleTimeout: key(seconds(0, 31_536_000), {
      env: 'PPTP_IDLE_TIMEOUT',
      reload: true,
      default: 0,
      doc: 'Time without user data in either direction after which a session ends; 0 is never.',
    }),
    sessionTimeout: key(seconds(0, 31_536_000), {
      env: 'PPTP_SESSION_TIMEOUT',
      reload: true,
      default: 0,
      doc: 'Time after which a session ends, whatever passes; 0 is never.',
    }),
  },
  auth: {
    methods: key(list(methodName, 'authentication methods', 16, 1), {
      env: 'PPTP_AUTH_METHODS',
      reload: true,
      default: ['ms-chap-v2'],
      doc: 'Methods offered to peers, strongest first whatever their order here, and nothing below them: `ms-chap-v2`, `eap` (see `eap.methods`), and the weak `ms-chap-v1`, `chap-md5` and `pap`.',
    }),
    maxAttempts: key(integer(1, 10), {
      env: 'PPTP_AUTH_MAX_ATTEMPTS',
      default: 3,
      doc: 'Passwords a peer may try on one call.',
    }),
  },
  eap: {
    methods: key(list(methodName, 'EAP methods', 16, 1), {
      env: 'PPTP_EAP_METHODS',
      default: ['ms-chap-v2'],
      doc: 'Methods within `eap`, the one to offer first in front: `tls`, `ms-chap-v2`, and the weak `md5`, which yields no keys.',
    }),
    relay: key(oneOf('auto', 'on', 'off'), {
      env: 'PPTP_EAP_RELAY',
      default: 'auto',
      doc: 'Whether EAP goes to a server elsewhere first (a plug-in such as `radius` takes it there), and `eap.methods` are for those whom it does not know: `auto` where a plug-in can, `on`, `off`.',
    }),
    tlsCert: key(fileOrNone, {
      env: 'PPTP_EAP_TLS_CERT',
      default: 'none',
      doc: 'EAP-TLS: our certificate, intermediate ones behind it.',
    }),
    tlsKey: key(fileOrNone, {
      env: 'PPTP_EAP_TLS_KEY',
      default: 'none',
      doc: 'EAP-TLS: the private key of our certificate, without a passphrase.',
    }),
    tlsCa: key(fileOrNone, {
      env: 'PPTP_EAP_TLS_CA',
      default: 'none',
      doc: 'EAP-TLS: the authorities whose certificates are accepted from the other side.',
    }),
    tlsCrl: key(fileOrNone, {
      env: 'PPTP_EAP_TLS_CRL',
      default: 'none',
      doc: 'EAP-TLS: revocation lists of all these authorities; a changed file is read again.',
    }),
    tlsMinVersion: key(oneOf('1.2', '1.3'), {
      env: 'PPTP_EAP_TLS_MIN_VERSION',
      default: '1.2',
      doc: 'EAP-TLS: the oldest TLS version.',
    }),
    tlsMaxVersion: key(oneOf('1.2', '1.3'), {
      env: 'PPTP_EAP_TLS_MAX_VERSION',
      default: '1.3',
      doc: 'EAP-TLS: the newest TLS version.',
    }),
    tlsServerName: key(either(asciiName, oneOf('none')), {
      env: 'PPTP_EAP_TLS_SERVER_NAME',
      default: 'none',
      doc: 'EAP-TLS, when dialling: a name that the certificate of the server must hold; `none` trusts every server certificate of the authorities.',
    }),
  },
  mppe: {
    policy: key(oneOf('required', 'preferred', 'permitted', 'disabled'), {
      env: 'PPTP_MPPE',
      default: 'required',
      doc: 'Encryption: `required` refuses peers without it, `preferred` asks for it, `permitted` takes it if asked, `disabled` never.',
    }),
    strengths: key(list(mppeStrength, 'key lengths', 3), {
      env: 'PPTP_MPPE_STRENGTHS',
      reload: true,
      default: [128],
      doc: 'Key lengths in bits that may be negotiated. 40 and 56 are weak and must be listed to be used.',
    }),
    stateful: key(oneOf('off', 'allow', 'prefer'), {
      env: 'PPTP_MPPE_STATEFUL',
      reload: true,
      default: 'off',
      doc: 'Encryption and compression whose state goes on from packet to packet: never, if the peer asks, or if it can. Each lost packet costs a round trip. Linux clients without `mppe-stateful` hang up on `prefer`.',
    }),
    mppc: key(oneOf('off', 'allow', 'prefer'), {
      env: 'PPTP_MPPC',
      default: 'off',
      doc: 'MPPC compression: never, if the peer asks, or if it can. The sizes of compressed packets tell something of their encrypted content.',
    }),
    kernel: key(oneOf('auto', 'typescript'), {
      env: 'PPTP_MPPE_KERNEL',
      default: 'auto',
      doc: 'What encrypts and decrypts packets: the native addon where it can be used and agrees with the reference, or TypeScript alone (the log line mppe.kernel says which, and why).',
    }),
  },
  pool: {
    range: key(ipv4Network(8, 30), {
      env: 'PPTP_POOL',
      flag: '--pool',
      default: '10.99.0.0/24',
      doc: 'Addresses for clients: all of the network but its first, its last and the address of the gateway.',
    }),
    named: key(list(namedNetwork(8, 30), 'named pools'), {
      env: 'PPTP_POOLS',
      default: [],
      doc: 'Further pools by name, for users whose profile names one: all addresses of the network but its first and its last.',
    }),
    gatewayAddress: key(either(ipv4Address, auto), {
      env: 'PPTP_GATEWAY_ADDRESS',
      default: 'auto',
      doc: 'Address of the gateway inside the tunnels, part of the pool; `auto` is its first host address.',
    }),
    dns: key(list(ipv4Address, 'DNS servers', 2), {
      env: 'PPTP_DNS',
      reload: true,
      default: [],
      doc: 'DNS servers given to clients, primary first.',
    }),
    wins: key(list(ipv4Address, 'WINS servers', 2), {
      env: 'PPTP_WINS',
      reload: true,
      default: [],
      doc: 'NetBIOS name servers given to clients, primary first.',
    }),
    ipv6: key(either(ipv6Network(32, 63), oneOf('off')), {
      env: 'PPTP_IPV6_POOL',
      default: 'off',
      doc: 'IPv6 prefixes for clients, a /64 each; the gateway is in the first one. `off` is no IPv6 in the tunnels.',
    }),
    ipv6Dns: key(list(ipv6Address, 'DNS servers', 3), {
      env: 'PPTP_IPV6_DNS',
      default: [],
      doc: 'DNS servers in router advertisements.',
    }),
  },
  tun: {
    name: key(tunName, {
      env: 'PPTP_TUN_NAME',
      default: 'pptp%d',
      doc: 'Name of the tunnel device; `%d` becomes the first free number.',
    }),
    mtu: key(either(integer(500, 1500, 'octets'), auto), {
      env: 'PPTP_TUN_MTU',
      default: 'auto',
      doc: 'MTU of the tunnel device; `auto` is `ppp.mru`, less 4 octets when MPPE is possible.',
    }),
    offloads: key(oneOf('auto', 'off'), {
      env: 'PPTP_TUN_OFFLOADS',
      default: 'auto',
      doc: 'Exchange large TCP and UDP packets with the kernel and cut or join them in the gateway, which is quicker; `auto` does it as far as the kernel can (the log line tun.open says how far, and why not further).',
    }),
  },
  network: {
    manage: key(toggle, {
      env: 'PPTP_NETWORK_MANAGE',
      default: true,
      doc: 'Let the gateway set addresses, routes, forwarding and packet filter rules, and remove them again.',
    }),
    nat: key(oneOf('auto', 'on', 'off'), {
      env: 'PPTP_NAT',
      default: 'auto',
      doc: 'Masquerade clients towards the intranet; `auto` does it unless `network.proxyArp` is used.',
    }),
    natInterfaces: key(list(interfaceName, 'interfaces', 16), {
      env: 'PPTP_NAT_INTERFACES',
      default: [],
      doc: 'Interfaces to masquerade on; empty is the intranet interface.',
    }),
    intranetInterface: key(either(interfaceName, auto), {
      env: 'PPTP_INTRANET_INTERFACE',
      default: 'auto',
      doc: 'Interface towards the intranet; `auto` is the one of the default route.',
    }),
    proxyArp: key(list(interfaceName, 'interfaces', 16), {
      env: 'PPTP_PROXY_ARP',
      default: [],
      doc: 'Interfaces on which the gateway answers ARP for client addresses.',
    }),
    routes: key(list(ipv4Network(1, 32), 'networks', 256), {
      env: 'PPTP_ROUTES',
      default: [],
      doc: 'Networks routed into the tunnel device besides the pool.',
    }),
    mssClamp: key(toggle, {
      env: 'PPTP_MSS_CLAMP',
      default: true,
      doc: 'Lower the MSS of TCP connections through the tunnels to what fits.',
    }),
  },
  users: {
    source: key(oneOf('file', 'plugins'), {
      env: 'PPTP_USERS_FROM',
      default: 'file',
      doc: 'Who knows users: `file`: the back-ends of plug-ins, then the user file, which gets a first user where there is none; `plugins`: those back-ends alone.',
    }),
    file: key(either(absolutePath, auto), {
      env: 'PPTP_USERS_FILE',
      default: 'auto',
      doc: 'User file; `auto` is `users.json` in `stateDir`.',
    }),
  },
  accounting: {
    interim: key(either(integer(0, 0), seconds(60, 86_400)), {
      env: 'PPTP_ACCOUNTING_INTERIM',
      reload: true,
      default: 0,
      doc: 'Time between two interim accounting records of a session whose profile says nothing of it; 0 is none.',
    }),
  },
  traffic: {
    limits: key(oneOf('auto', 'on'), {
      env: 'PPTP_TRAFFIC_LIMITS',
      default: 'auto',
      doc: 'Whether sessions can be held to rates, quotas and filters, and their octets be counted: `auto` where a plug-in needs it, `on` always, so that an operator may set a rate. It costs something for each packet (docs/policies.md).',
    }),
  },
  filters: {
    file: key(fileOrNone, {
      env: 'PPTP_FILTERS_FILE',
      reload: true,
      default: 'none',
      doc: 'YAML or JSON file with the packet filters that profiles of users may name; see docs/policies.md.',
    }),
  },
  log: {
    level: key(oneOf('debug', 'info', 'warn', 'error'), {
      env: 'PPTP_LOG_LEVEL',
      reload: true,
      flag: '--log-level',
      default: 'info',
      doc: 'Least important level that is written.',
    }),
    format: key(oneOf('auto', 'json', 'pretty'), {
      env: 'PPTP_LOG_FORMAT',
      flag: '--log-format',
      default: 'auto',
      doc: 'JSON lines or lines for people; `auto` is `pretty` on a terminal and `json` elsewhere.',
    }),
  },
  ...edgeKeys,
  ...dialKeys,
  ...observabilityKeys,
  plugins: key(list(moduleName, 'plug-ins'), {
    env: 'PPTP_PLUGINS',
    default: [],
    doc: 'Plug-ins to load besides the built-in ones: names of those that come with the gateway, package names, or paths.',
  }),
  pluginTimeout: key(integer(1, 300, 'seconds'), {
    env: 'PPTP_PLUGIN_TIMEOUT',
    default: 10,
    doc: 'How long a plug-in may take to answer one question; then the answer is that there is none.',
  }),
  pluginOptions: key(jsonObject, {
    env: 'PPTP_PLUGIN_OPTIONS',
    default: '{}',
    sensitive: true,
    doc: 'Settings of loaded plug-ins, by the name of the plug-in and of the setting. Each is also an environment name of its own: `sharedSecret` of `radius` is `PPTP_RADIUS_SHARED_SECRET` (or `PPTP_RADIUS_SHARED_SECRET_FILE`).',
  }),
} satisfies Schema<RawConfig>;

export const KEYS: readonly Key[] = listKeys(schema);
export const keyByPath: ReadonlyMap<string, Key> = new Map(KEYS.map((one) => [one.path, one]));
