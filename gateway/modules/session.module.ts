import { ContainerModule } from 'inversify';
import { type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { Ipv6, Ipv6Network } from '../../core/bytes/ipv6-address.ts';
import { setEncryption } from '../../core/datapath/mppe-state.ts';
import type { Session } from '../../core/datapath/session.ts';
import { GatewayError } from '../../core/errors.ts';
import { RandomCallIds } from '../../core/machine/call-ids.ts';
import type { Machine } from '../../core/machine/machine.ts';
import { PppLink } from '../../core/machine/ppp-link.ts';
import type { LinkEffect, LinkInput, LinkOptions } from '../../core/machine/ppp-link-types.ts';
import type { Direction } from '../../core/outcome.ts';
import type { AccountingSink } from '../../core/ports/accounting.ts';
import type { AddressPool } from '../../core/ports/addresses.ts';
import type { Authenticator, AuthMethod } from '../../core/ports/auth.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Fleet } from '../../core/ports/fleet.ts';
import type { LiveOptions } from '../../core/ports/live-options.ts';
import type { SessionPolicy } from '../../core/ports/policy.ts';
import type { SessionDirectory } from '../../core/ports/session-directory.ts';
import type { SessionListener } from '../../core/ports/session-listener.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { WallClock } from '../../core/ports/wall-clock.ts';
import { TOKENS } from '../../core/tokens.ts';
import { MPPE_OVERHEAD } from '../../core/wire/mppe-header.ts';
import { PPP } from '../../core/wire/ppp.ts';
import { Containment } from '../containment/containment.ts';
import { IpsecHooks } from '../ipsec-hooks.ts';
import { type AccountingDeps, AccountingHub } from '../session/accounting-hub.ts';
import { CidrPool, type LocalPool, type PoolRange } from '../session/address-pool.ts';
import { Driver } from '../session/driver.ts';
import type { DriverOptions } from '../session/driver-deps.ts';
import { DriverHub } from '../session/driver-hub.ts';
import { InnerNetworks } from '../session/inner-networks.ts';
import { LocalSessions } from '../session/local-sessions.ts';
import { NamedPools } from '../session/named-pools.ts';
import { Outbox } from '../session/outbox.ts';
import { Policies } from '../session/policies.ts';
import { Ipv6PrefixPool, type PrefixSlice } from '../session/prefix-pool.ts';
import { RouteTurns } from '../session/route-turns.ts';
import { SessionTable } from '../session/session-table.ts';
import { SessionWatchers } from '../session/session-watchers.ts';
import { timed } from '../session/timed-back-end.ts';
import type { Ipv6Services } from '../session/tunnel-ipv6.ts';
import { SINGLE_FLEET } from '../single-fleet.ts';
import { GATEWAY_TOKENS } from '../tokens.ts';

export interface SessionOptions {
  /** Undefined: no IPv6 in the tunnels. */
  readonly ipv6?: {
    readonly network: Ipv6Network;
    readonly dns: readonly Ipv6[];
    /** Of the tunnel device, octets. */
    readonly mtu: number;
    /** The /64s of this process; all of them when it is not said. */
    readonly slice?: PrefixSlice;
  };
  readonly driver: DriverOptions;
  /** Undefined for a client: it is given its address and gives none. */
  readonly pool: PoolRange | undefined;
  /** Further pools, for users whose profile names one. */
  readonly namedPools?: readonly { readonly name: string; readonly range: PoolRange }[];
  /** Stands before the pool, where there are others with parts of it. */
  readonly sharePool?: (own: LocalPool) => AddressPool;
  /** Which process of the gateway this is; the only one when it is not said. */
  readonly fleet?: Fleet;
  /** Stands before the sessions of this process, where others have some, too. */
  readonly shareSessions?: (own: SessionDirectory) => SessionDirectory;
  /** Between interim accounting records; 0, or not said: none. */
  readonly interimSeconds?: number;
  /** How long a plug-in may take to answer; 10 s when it is not said. */
  readonly pluginTimeoutMs?: number;
  readonly callIdQuarantineMs: number;
  /** The Call IDs of this process; all of them when it is not said. */
  readonly callIds?: { readonly modulus: number; readonly residue: number };
  /** Names of the authentication methods to offer, of those that plug-ins brought. */
  readonly authMethods: readonly string[];
  /** Everything of a link but what the container knows. */
  readonly link: Omit<LinkOptions, 'authMethods' | 'random'>;
  /** Stands between the driver and each link, to look at what passes. */
  readonly watchLink?: (link: Machine<LinkInput, LinkEffect>) => Machine<LinkInput, LinkEffect>;
}

/** What may be another while the gateway runs. */
export type LiveSessionOptions = Pick<SessionOptions, 'driver' | 'link' | 'authMethods' | 'interimSeconds'>;

/** Frames that may wait for the end of a turn; a turn handles at most a few batches of 64. */
const OUTBOX_CAPACITY = 512;
/** Packets of the gateway's own that may wait so: advertisements and ICMP errors, which have limits of their own. */
const PACKETS_CAPACITY = 128;

const PLUGIN_TIMEOUT_MS = 10_000;

const NONE_RESERVED: ReadonlySet<Ipv4> = new Set();

const NO_ADDRESSES: AddressPool = {
  gatewayAddress: ipv4(0),
  lease: () => ({ ok: false, why: 'exhausted' }),
  release: () => undefined,
};

/** Sessions of this process: their table, addresses, Call IDs, and the driver of their machines. */
export const sessionModule = (options: SessionOptions, live?: LiveOptions<LiveSessionOptions>): ContainerModule =>
  new ContainerModule(({ bind, onActivation }) => {
    bind(GATEWAY_TOKENS.SessionTable).toConstantValue(new SessionTable());
    bind(GATEWAY_TOKENS.Containment).toResolvedValue(
      (clock, log, telemetry) =>
        new Containment({ clock, log, telemetry, timeoutMs: options.pluginTimeoutMs ?? PLUGIN_TIMEOUT_MS }),
      [TOKENS.Clock, TOKENS.Log, TOKENS.Telemetry],
    );
    // Who asks relays is a plug-in itself: each is guarded as it is made.
    onActivation(TOKENS.EapRelay, (context, relay) => context.get(GATEWAY_TOKENS.Containment).relay(relay));
    bind(TOKENS.SessionLookup).toResolvedValue((table) => table, [GATEWAY_TOKENS.SessionTable]);
    bind(TOKENS.AddressPool).toDynamicValue(({ get, getAll }) => {
      if (options.pool === undefined) return NO_ADDRESSES;
      const containment = get(GATEWAY_TOKENS.Containment);
      const backEnds = getAll(TOKENS.Authenticator).map((one) => containment.authenticator(one));
      const reserved = (): ReadonlySet<Ipv4> => reservedBy(backEnds);
      const pool = new NamedPools(
        new CidrPool(options.pool, reserved),
        new Map((options.namedPools ?? []).map(({ name, range }) => [name, new CidrPool(range, reserved)])),
      );
      return options.sharePool?.(pool) ?? pool;
    });
    bind(TOKENS.CallIds).toResolvedValue(
      (clock, random) =>
        new RandomCallIds(
          { random, now: () => clock.now() },
          { quarantineMs: options.callIdQuarantineMs, ...options.callIds },
        ),
      [TOKENS.Clock, TOKENS.Random],
    );
    const outbox = (name: string) => (clock: Clock, telemetry: Telemetry) =>
      new Outbox(name, OUTBOX_CAPACITY, clock, telemetry);
    bind(GATEWAY_TOKENS.DriverHub).toResolvedValue(
      (clock, telemetry) =>
        new DriverHub(outbox('control-frames')(clock, telemetry), outbox('acknowledgments')(clock, telemetry)),
      [TOKENS.Clock, TOKENS.Telemetry],
    );
    const packets = (name: string, direction: Direction) => (clock: Clock, telemetry: Telemetry) =>
      new Outbox(name, PACKETS_CAPACITY, clock, telemetry, direction);
    bind(GATEWAY_TOKENS.PeerPackets).toResolvedValue(packets('peer-packets', 'out'), [TOKENS.Clock, TOKENS.Telemetry]);
    bind(GATEWAY_TOKENS.IntranetPackets).toResolvedValue(packets('intranet-packets', 'in'), [
      TOKENS.Clock,
      TOKENS.Telemetry,
    ]);
    if (options.ipv6 !== undefined) {
      bind(GATEWAY_TOKENS.PrefixPool).toConstantValue(new Ipv6PrefixPool(options.ipv6.network, options.ipv6.slice));
    }
    bind(TOKENS.Wakeups).toResolvedValue((hub) => hub, [GATEWAY_TOKENS.DriverHub]);
    bind(TOKENS.ControlFrames).toResolvedValue((hub) => hub, [GATEWAY_TOKENS.DriverHub]);
    bind(GATEWAY_TOKENS.InnerNetworks).toDynamicValue(({ get, getAll }) => {
      const { pool, namedPools = [] } = options;
      const pools = pool === undefined ? [] : [pool, ...namedPools.map(({ range }) => range)];
      return new InnerNetworks({
        table: get(GATEWAY_TOKENS.SessionTable).networks,
        routes: () => getAll(TOKENS.HostRoutes)[0],
        log: get(TOKENS.Log),
        own: pools.map(({ network, prefix }) => ({ network, prefixLength: prefix })),
      });
    });
    bind(TOKENS.Fleet).toConstantValue(options.fleet ?? SINGLE_FLEET);
    bind(TOKENS.Sessions).toDynamicValue(({ get }) => {
      // Plug-ins have it before there is a driver, which is made of what they bind.
      const local = new LocalSessions(() => get(GATEWAY_TOKENS.Driver));
      return options.shareSessions?.(local) ?? local;
    });
    bind(GATEWAY_TOKENS.Driver).toDynamicValue(({ get, getAll }) => {
      const random = get(TOKENS.Random);
      const clock = get(TOKENS.Clock);
      const telemetry = get(TOKENS.Telemetry);
      const containment = get(GATEWAY_TOKENS.Containment);
      const brought = get(GATEWAY_TOKENS.Brought);
      const watch = options.watchLink ?? ((link) => link);
      const linkOf = ({ link: one, authMethods }: LiveSessionOptions): LinkOptions => ({
        ...one,
        authMethods: chooseMethods(authMethods, getAll(TOKENS.AuthMethod)),
        random,
      });
      let link = linkOf(options);
      const driver = new Driver(
        {
          clock,
          log: get(TOKENS.Log),
          telemetry,
          control: get(TOKENS.Control),
          authenticators: getAll(TOKENS.Authenticator).map((one, at) =>
            timed(containment.authenticator(one, brought(TOKENS.Authenticator)[at] === true), clock, telemetry),
          ),
          addresses: containment.pool(get(TOKENS.AddressPool), brought(TOKENS.AddressPool)[0] === true),
          sessions: get(GATEWAY_TOKENS.SessionTable),
          hub: get(GATEWAY_TOKENS.DriverHub),
          stages: getAll(TOKENS.Stage),
          sequence: get(GATEWAY_TOKENS.SequenceStage),
          ...ipv6Services(options.ipv6, () => ({
            prefixes: get(GATEWAY_TOKENS.PrefixPool),
            random,
            routes: () => getAll(TOKENS.HostRoutes)[0],
            turns: new RouteTurns(get(TOKENS.Log)),
            packets: get(GATEWAY_TOKENS.PeerPackets),
          })),
          createLink: () => watch(new PppLink(link)),
          snapshotLink: (one) => (one instanceof PppLink ? one.snapshot() : undefined),
          restoreLink: (snapshot) => watch(PppLink.restored(link, snapshot)),
          setEncryption,
          wallClock: get(TOKENS.WallClock),
          policies: policiesOf(getAll(TOKENS.SessionPolicy), containment, get(TOKENS.WallClock)),
          watchers: watchersOf(getAll(TOKENS.SessionListener), getAll(TOKENS.AccountingSink), {
            containment,
            clock,
            wallClock: get(TOKENS.WallClock),
            interimSeconds: () => (live?.current ?? options).interimSeconds ?? 0,
          }),
          profiles: {
            shapes: get(GATEWAY_TOKENS.ShapeControl),
            networks: get(GATEWAY_TOKENS.InnerNetworks),
            ipv6: options.ipv6 !== undefined,
            overhead:
              options.link.encryption === 'disabled' && (options.link.mppc ?? 'off') === 'off' ? 0 : MPPE_OVERHEAD,
            clearAllowed: options.link.encryption !== 'required',
          },
          role: options.link.role,
        },
        options.driver,
      );
      live?.onChange((now) => {
        link = linkOf(now);
        driver.reconfigure(now.driver);
      });
      return driver;
    });
  });

const policiesOf = (
  policies: readonly SessionPolicy[],
  containment: Containment,
  wallClock: WallClock,
): Policies | undefined =>
  policies.length === 0
    ? undefined
    : new Policies(
        policies.map((policy) => containment.policy(policy)),
        wallClock,
      );

interface WatcherDeps extends Omit<AccountingDeps, 'sinks'> {
  readonly containment: Containment;
}

/** Undefined where nobody wants to know: then nothing is done for a session. */
function watchersOf(
  listeners: readonly SessionListener[],
  sinks: readonly AccountingSink[],
  { containment, ...deps }: WatcherDeps,
): SessionWatchers | undefined {
  const told = listeners.filter((one) => !(one instanceof IpsecHooks && one.stages.length === 0));
  if (told.length + sinks.length === 0) return undefined;
  const accounting =
    sinks.length === 0 ? undefined : new AccountingHub({ ...deps, sinks: sinks.map((sink) => containment.sink(sink)) });
  return new SessionWatchers(
    told.map((one) => containment.listener(one)),
    accounting,
  );
}

function ipv6Services(
  ipv6: SessionOptions['ipv6'],
  services: () => Omit<Ipv6Services, 'dns' | 'mtu' | 'send'> & { readonly packets: Outbox },
): { readonly ipv6?: Ipv6Services } {
  if (ipv6 === undefined) return {};
  const { dns, mtu } = ipv6;
  const { packets, ...rest } = services();
  const send = (session: Session, bytes: Uint8Array): void => packets.put(session, PPP.ipv6, bytes);
  return { ipv6: { ...rest, dns, mtu, send } };
}

/** Asked at every lease, and there may be as many as users: a set is made only of several. */
function reservedBy(backEnds: readonly Authenticator[]): ReadonlySet<Ipv4> {
  const sets = backEnds.map((one) => one.reservedAddresses?.() ?? NONE_RESERVED).filter(({ size }) => size > 0);
  const [first = NONE_RESERVED, ...others] = sets;
  return others.length === 0 ? first : new Set(sets.flatMap((set) => [...set]));
}

/** The configured methods, strongest first. Throws CONFIG_INVALID. */
export function chooseMethods(names: readonly string[], methods: readonly AuthMethod[]): readonly AuthMethod[] {
  const unknown = names.filter((name) => !methods.some((method) => method.name === name));
  if (unknown.length > 0) {
    const known = methods.map((method) => method.name).join(', ');
    throw new GatewayError('CONFIG_INVALID', `PPTP_AUTH_METHODS names ${unknown.join(', ')}; known are: ${known}`);
  }
  return methods.filter((method) => names.includes(method.name)).toSorted((a, b) => b.preference - a.preference);
}
