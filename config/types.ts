import type { Ipv4 } from '../core/bytes/ipv4-address.ts';
import type { Ipv6, Ipv6Network } from '../core/bytes/ipv6-address.ts';
import type { FilterList } from '../core/datapath/packet-filter-rules.ts';

/** What PPTP_PROFILE takes; what each means is in presets.ts. */
export const PROFILE_NAMES = ['none', 'road-warrior', 'site', 'legacy-clients', 'lab'] as const;
export type ProfileName = (typeof PROFILE_NAMES)[number];

/** Plain durations carry their unit in the name (`...Ms`) or are seconds. */
export type Seconds = number;
export type MppePolicy = 'required' | 'preferred' | 'permitted' | 'disabled';
export type MppeStrength = 40 | 56 | 128;
export type CcpWish = 'off' | 'allow' | 'prefer';
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFormat = 'auto' | 'json' | 'pretty';
export type UserNames = 'plain' | 'hash' | 'off';
export type NatMode = 'auto' | 'on' | 'off';
export type MppeKernelChoice = 'auto' | 'typescript';
export type TunOffloads = 'auto' | 'off';
export type GreDriver = 'auto' | 'batch' | 'raw-socket';

/** An IPv4 network, host bits zero. */
export interface Ipv4Network {
  readonly network: Ipv4;
  readonly prefixLength: number;
  /** As written: "10.99.0.0/24". */
  readonly text: string;
}

export interface NamedNetwork {
  readonly name: string;
  readonly network: Ipv4Network;
}

/** Groups whose values are used as they were written. */
interface PlainGroups {
  /** Whose values stand in place of the defaults. */
  readonly profile: ProfileName;
  /** Name sent in PPTP replies and MS-CHAP challenges. */
  readonly hostName: string;
  readonly vendor: string;
  readonly stateDir: string;
  readonly listen: {
    readonly address: string;
    readonly port: number;
    readonly maxConnections: number;
    readonly maxConnectionsPerAddress: number;
  };
  readonly setups: {
    readonly atOnce: number;
    readonly queue: number;
    readonly wait: Seconds;
  };
  readonly drain: {
    /** How long tunnels may go on when the gateway is told to stop. */
    readonly timeout: Seconds;
  };
  readonly control: {
    readonly establishTimeout: Seconds;
    readonly echoInterval: Seconds;
    readonly echoTimeout: Seconds;
    readonly stopTimeout: Seconds;
  };
  readonly gre: {
    readonly driver: GreDriver;
    readonly ackDelayMs: number;
    readonly receiveWindow: number;
    readonly reorderWindow: number;
    readonly reorderTimeoutMs: number;
    readonly window: 'off' | 'on';
    readonly windowQueue: number;
    readonly windowMaxTimeoutMs: number;
    readonly silenceSeconds: Seconds;
    readonly checkPeerAddress: boolean;
  };
  readonly auth: {
    readonly methods: readonly string[];
    readonly maxAttempts: number;
  };
  readonly eap: {
    /** Best first. */
    readonly methods: readonly string[];
    /** Whether servers elsewhere are asked first. */
    readonly relay: 'auto' | 'on' | 'off';
    /** PEM files, or `none`. */
    readonly tlsCert: string;
    readonly tlsKey: string;
    readonly tlsCa: string;
    readonly tlsCrl: string;
    readonly tlsMinVersion: '1.2' | '1.3';
    readonly tlsMaxVersion: '1.2' | '1.3';
    /** Role client: the name the server's certificate must hold, or `none`. */
    readonly tlsServerName: string;
  };
  readonly mppe: {
    readonly policy: MppePolicy;
    readonly strengths: readonly MppeStrength[];
    readonly stateful: CcpWish;
    readonly mppc: CcpWish;
    readonly kernel: MppeKernelChoice;
  };
  readonly log: {
    readonly level: LogLevel;
    readonly format: LogFormat;
  };
  readonly telemetry: {
    readonly userNames: UserNames;
    /** Secret; empty means a random key for the life of the process. */
    readonly hashKey: string;
  };
  readonly capture: {
    /** Captures may show what tunnels encrypt. */
    readonly decrypted: boolean;
  };
  readonly packetTraces: {
    /** From 0 to 1. */
    readonly ratio: number;
    readonly perSecond: number;
  };
  readonly metrics: {
    readonly address: string;
    /** 0: metrics are not served. */
    readonly port: number;
  };
  /** Package names or paths, loaded in this order. */
  readonly plugins: readonly string[];
  readonly traffic: {
    /** `on`: the stages that hold sessions to rates, quotas and filters are there, whether a plug-in needs them or not. */
    readonly limits: 'auto' | 'on';
  };
  readonly accounting: {
    /** 0: no interim records. */
    readonly interim: Seconds;
  };
  /** How long a plug-in may take to answer. */
  readonly pluginTimeout: Seconds;
}

/** Who may connect, by address. */
export interface AccessConfig {
  /** Empty: everybody who is not denied. */
  readonly allow: readonly Ipv4Network[];
  readonly deny: readonly Ipv4Network[];
}

/** What strangers may do, and what the gateway may. */
export interface EdgeConfig {
  /** Connections, and calls, whose user has not proven itself. */
  readonly maxUnauthenticated: number;
  readonly maxUnauthenticatedPerAddress: number;
  /** New connections in a minute. */
  readonly connectRatePerAddress: number;
  readonly setupTimeout: Seconds;
  /** 0: never. */
  readonly idleTimeout: Seconds;
  /** Of the keys and the file. */
  readonly access: AccessConfig;
  /** `none`, or where `access` was read from as well. */
  readonly accessFile: string;
  /** "user" or "user:group"; undefined: whoever started it. */
  readonly runAs: string | undefined;
}

interface PppSettings {
  readonly echoInterval: Seconds;
  readonly echoFailures: number;
  readonly restartTimer: Seconds;
  readonly maxConfigure: number;
  readonly maxTerminate: number;
  readonly maxFailure: number;
  readonly authTimeout: Seconds;
  /** 0: never. */
  readonly idleTimeout: Seconds;
  readonly sessionTimeout: Seconds;
}

interface CallLimits {
  readonly maxPerConnection: number;
  readonly acceptIncoming: boolean;
  readonly idQuarantine: Seconds;
}

/** Of the listener that wants tokens. */
export interface AdminSettings {
  readonly address: string;
  /** 0: none. */
  readonly port: number;
  /** Secrets; empty: nobody has the role by a token of the configuration. */
  readonly token: string;
  readonly operateToken: string;
  readonly readToken: string;
  /** PEM files, or `none`. */
  readonly tlsCert: string;
  readonly tlsKey: string;
  /** With `{traceId}` in it; empty: none. */
  readonly traceLink: string;
}

interface DialSettings {
  readonly user: string;
  /** Secret. */
  readonly password: string;
  readonly tun: string;
}

interface NetworkSwitches {
  readonly manage: boolean;
  readonly nat: NatMode;
  readonly natInterfaces: readonly string[];
  readonly proxyArp: readonly string[];
  readonly mssClamp: boolean;
}

/** More processes than that share no machine that this gateway is for. */
export const MOST_WORKERS = 16;

/** What convict holds: addresses as text, `auto` not yet worked out. Same paths as `GatewayConfig`. */
export interface RawConfig extends PlainGroups {
  readonly workers: number | 'auto';
  readonly calls: CallLimits & { readonly max: number | 'auto' };
  readonly ppp: PppSettings & { readonly mru: number | 'auto' };
  readonly pool: {
    readonly range: string;
    readonly named: readonly string[];
    readonly gatewayAddress: string;
    readonly dns: readonly string[];
    readonly wins: readonly string[];
    readonly ipv6: string;
    readonly ipv6Dns: readonly string[];
  };
  readonly tun: { readonly name: string; readonly mtu: number | 'auto'; readonly offloads: TunOffloads };
  readonly network: NetworkSwitches & { readonly intranetInterface: string; readonly routes: readonly string[] };
  readonly users: { readonly source: 'file' | 'plugins'; readonly file: string };
  readonly edge: {
    readonly maxUnauthenticated: number | 'auto';
    readonly maxUnauthenticatedPerAddress: number | 'auto';
    readonly connectRatePerAddress: number | 'auto';
    readonly setupTimeout: Seconds;
    readonly idleTimeout: Seconds | 'auto';
    readonly allowFrom: readonly string[];
    readonly denyFrom: readonly string[];
    readonly accessFile: string;
    readonly runAs: string;
  };
  readonly filters: { readonly file: string };
  readonly dial: DialSettings & { readonly server: string; readonly routes: readonly string[] };
  readonly admin: AdminSettings & { readonly socket: string };
  /** JSON text. */
  readonly pluginOptions: string;
}

/** The configuration the gateway runs with: checked, complete, frozen. */
export interface GatewayConfig extends PlainGroups {
  /** Processes that carry tunnels; 1: the gateway is one process. */
  readonly workers: number;
  /** `max` is never more than the pool holds unless the operator said so. */
  readonly calls: CallLimits & { readonly max: number };
  readonly ppp: PppSettings & { readonly mru: number };
  readonly pool: {
    readonly range: Ipv4Network;
    /** Further pools; they overlap with none. */
    readonly named: readonly NamedNetwork[];
    readonly gatewayAddress: Ipv4;
    readonly dns: readonly Ipv4[];
    readonly wins: readonly Ipv4[];
    /** Undefined: no IPv6 in the tunnels. */
    readonly ipv6: Ipv6Network | undefined;
    readonly ipv6Dns: readonly Ipv6[];
  };
  /** `name` may hold one `%d`, which the kernel replaces. */
  readonly tun: { readonly name: string; readonly mtu: number; readonly offloads: TunOffloads };
  readonly network: NetworkSwitches & {
    /** Undefined: the interface of the default route, found at start. */
    readonly intranetInterface: string | undefined;
    /** Networks behind clients, routed into the tunnel device besides the pool. */
    readonly routes: readonly Ipv4Network[];
  };
  readonly users: { readonly source: 'file' | 'plugins'; readonly file: string };
  readonly edge: EdgeConfig;
  /** Packet filters that profiles may name. */
  readonly filters: Readonly<Record<string, FilterList>>;
  /** `server` is undefined when there is nobody to dial. */
  readonly dial: DialSettings & { readonly server: string | undefined; readonly routes: readonly Ipv4Network[] };
  readonly admin: AdminSettings & {
    /** Path of the Unix socket; undefined: none. */
    readonly socket: string | undefined;
  };
  /** As they were given, by plug-in and setting; each setting checks its own. */
  readonly pluginOptions: Readonly<Record<string, unknown>>;
}

/** Where the value of a key came from. */
export type Origin =
  | { readonly kind: 'default' }
  | { readonly kind: 'profile'; readonly name: string }
  | { readonly kind: 'file'; readonly name: string }
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'flag'; readonly name: string };

export type Origins = ReadonlyMap<string, Origin>;

export const describeOrigin = (origin: Origin): string =>
  origin.kind === 'default' ? 'default' : `${origin.kind} ${origin.name}`;
