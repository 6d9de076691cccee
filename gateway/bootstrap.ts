import { Container, ContainerModule } from 'inversify';
import type { Ipv4 } from '../core/bytes/ipv4-address.ts';
import { Probes } from '../core/datapath/probe.ts';
import type { SessionView } from '../core/datapath/session.ts';
import type { Stage } from '../core/datapath/stage.ts';
import { RandomCallIds } from '../core/machine/call-ids.ts';
import type { PoolPart } from '../core/ports/addresses.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { ClearReason, ControlPlugin } from '../core/ports/control.ts';
import type { HostRoutes } from '../core/ports/host-routes.ts';
import type { CallIds } from '../core/ports/ids.ts';
import type { Lifecycle } from '../core/ports/lifecycle.ts';
import type { LiveOptions } from '../core/ports/live-options.ts';
import type { LockBook } from '../core/ports/locks.ts';
import type { Log } from '../core/ports/log.ts';
import type { GreSocket, TunDevice } from '../core/ports/packet-io.ts';
import type { RandomSource } from '../core/ports/random.ts';
import type { SessionDirectory } from '../core/ports/session-directory.ts';
import type { LaterSpan, PhaseSpan, Telemetry } from '../core/ports/telemetry.ts';
import type { WallClock } from '../core/ports/wall-clock.ts';
import { TOKENS } from '../core/tokens.ts';
import type { GatewayNumbers } from '../observability/metrics/gateway-numbers.ts';
import { ControlPptp, type LiveControlOptions } from '../plugins/control-pptp/index.ts';
import { HostNetwork } from '../plugins/host-network-linux/index.ts';
import type { PluginLine } from './admin/api/operations.ts';
import { LifecycleRunner } from './lifecycle-runner.ts';
import { reconfigureControl } from './live-control.ts';
import { type DataPathOptions, dataPathModule, packetFilters, trafficModule } from './modules/data-path.module.ts';
import {
  chooseMethods,
  type LiveSessionOptions,
  type SessionOptions,
  sessionModule,
} from './modules/session.module.ts';
import { NumberKeeper } from './numbers.ts';
import { orderStages, Pipeline } from './pipeline.ts';
import type { LoadedPlugin } from './plugin-loader.ts';
import { bindPlugins, broughtBy, type Claims, checkBindings } from './plugins/bindings.ts';
import { lifecyclesOf } from './plugins/lifecycles.ts';
import { prepareSettings } from './plugins/live-settings.ts';
import { pluginLines } from './plugins/plugin-lines.ts';
import type { Driver } from './session/driver.ts';
import type { LiveTunnels } from './session/live-tunnel.ts';
import { LocalSessions } from './session/local-sessions.ts';
import type { TunnelEnding, TunnelView } from './session/tunnel-view.ts';
import { systemWallClock } from './system-clock.ts';
import { GATEWAY_TOKENS } from './tokens.ts';
import { HandedParts, startedBeside } from './upgrade/handed-parts.ts';
import { immovable } from './upgrade/immovable.ts';
import { Moving, type MovingParts } from './upgrade/moving.ts';

/** What exists before the container. */
export interface Platform {
  readonly clock: Clock;
  /** The system's when it is not said. */
  readonly wallClock?: WallClock;
  readonly random: RandomSource;
  readonly log: Log;
  readonly telemetry: Telemetry;
}

export interface GatewayOptions {
  /** Folder for what plug-ins keep, the same for all workers; undefined where there are none that keep anything. */
  readonly stateDir?: string;
  readonly dataPath: DataPathOptions;
  readonly session: SessionOptions;
  /** Stands between the pipeline and the GRE socket, for a process that has other uses for it. */
  readonly shareGre?: (gre: GreSocket) => GreSocket;
  /** What may be another while it runs. */
  readonly live?: LiveOptions<LiveGatewayOptions>;
  /** Another process has the tunnels still. */
  readonly takesOver?: boolean;
}

export interface LiveGatewayOptions {
  readonly dataPath: Pick<DataPathOptions, 'gre' | 'filters'>;
  readonly session: LiveSessionOptions;
  readonly connections: LiveControlOptions;
}

const sessionPart = (live: LiveOptions<LiveGatewayOptions>): LiveOptions<LiveSessionOptions> => ({
  get current() {
    return live.current.session;
  },
  onChange: (listener) => live.onChange(({ session }) => listener(session)),
});

export interface Gateway {
  readonly stages: readonly Stage[];
  readonly tunName: () => string;
  readonly sessions: () => number;
  readonly callIds: CallIds;
  /** Calls that are up, in the order of their beginning. */
  readonly tunnels: () => readonly TunnelView[];
  /** `listener` is told of every tunnel that is over, with its last numbers. */
  onTunnelEnd(listener: (ending: TunnelEnding) => void): void;
  /** The same tunnels, to be looked at without a copy and acted on. */
  readonly live: LiveTunnels;
  /** Control connections, and clients whose set-up runs or waits for its turn. */
  readonly control: () => { readonly connections: number; readonly running: number; readonly waiting: number };
  /** Addresses and prefixes that there are for peers, by pool. */
  readonly pools: () => readonly PoolPart[];
  /** In the order in which they registered. */
  readonly plugins: readonly PluginLine[];
  /** A span for what is done about a tunnel elsewhere; undefined when the tunnel is over. */
  later(session: SessionView, name: LaterSpan): PhaseSpan | undefined;
  /** Where packet traces and captures look at packets. */
  readonly probes: Probes;
  /** What metrics want to know of this moment. */
  readonly numbers: () => GatewayNumbers;
  /** Ends every link with an LCP Terminate-Request; the calls follow. */
  hangUp(detail: string): void;
  /** The same in turns, for this reason; resolves when every link has been told. */
  hangUpAll(reason: ClearReason, detail: string): Promise<void>;
  /** New control connections and calls are refused from now on, in PPTP's own words. */
  refuseCalls(): void;
  acceptCalls(): void;
  /** Ends the tunnel of this user that has this inner address, for a newer one elsewhere; false when there is none. */
  endOlder(identity: string, address: Ipv4): boolean;
  /** The sessions of the whole gateway. */
  readonly directory: SessionDirectory;
  /** Who is locked out, of all policies that lock. */
  readonly locks: LockBook;
  /** Routes to single inner addresses; undefined where the operator sets up the host. */
  readonly hostRoutes: HostRoutes | undefined;
  /** As far as another process can go on with it. */
  readonly moving: Moving;
  /** Throws what is wrong with options that are to come into force. */
  check(options: LiveGatewayOptions): void;
  /**
   * Settings of plug-ins as given, by their names. Rejects with ConfigError with what is wrong, and then nothing has changed;
   * else the result brings those into force that are live.
   */
  prepareSettings(given: Readonly<Record<string, unknown>>): Promise<() => void>;
  start(died: (device: string, cause: unknown) => void): Promise<void>;
  stop(): Promise<void>;
}

/** Makes the container, loads the plug-ins into it and wires the gateway; starts nothing. */
export function createGateway(platform: Platform, options: GatewayOptions, plugins: readonly LoadedPlugin[]): Gateway {
  const container = new Container({ defaultScope: 'Singleton' });
  container.load(
    new ContainerModule(({ bind }) => {
      bind(TOKENS.Clock).toConstantValue(platform.clock);
      bind(TOKENS.WallClock).toConstantValue(platform.wallClock ?? systemWallClock);
      bind(TOKENS.Random).toConstantValue(platform.random);
      bind(TOKENS.Log).toConstantValue(platform.log);
      bind(TOKENS.Telemetry).toConstantValue(platform.telemetry);
      if (options.stateDir !== undefined) bind(TOKENS.StateDir).toConstantValue(options.stateDir);
    }),
    sessionModule(options.session, options.live && sessionPart(options.live)),
    dataPathModule(options.dataPath),
  );
  const claims = bindPlugins(container, plugins, platform.log);
  container.bind(GATEWAY_TOKENS.Brought).toConstantValue(broughtBy(claims));
  container.load(trafficModule(options.dataPath));
  checkBindings(container, claims);

  const tun = container.get(TOKENS.Tun);
  const share = options.shareGre ?? ((gre) => gre);
  const gre = share(container.get(TOKENS.GreSocket));
  const stages = orderStages([...container.getAll(TOKENS.Stage), ...container.get(GATEWAY_TOKENS.IpsecHooks).stages]);
  const driver = container.get(GATEWAY_TOKENS.Driver);
  const control = container.get(TOKENS.Control);
  options.live?.onChange(({ dataPath, connections }) => {
    container.get(GATEWAY_TOKENS.SequenceStage).reconfigure(dataPath.gre);
    container.get(GATEWAY_TOKENS.ShapeControl).replace(packetFilters(dataPath.filters));
    reconfigureControl(control, connections);
  });
  const probes = new Probes(platform.clock, (probe, cause) =>
    platform.log.error('probe.fault', `The probe ${probe} threw: a bug; it was taken out.`, { probe, error: cause }),
  );
  const numbers = keepNumbers(container, platform, driver, control, tun);
  const pipeline = new Pipeline(gre, tun, stages, platform.clock, platform.telemetry, probes);
  let died: (device: string, cause: unknown) => void = () => undefined;
  const flow: Lifecycle = {
    name: 'pipeline',
    start: () => {
      pipeline.start((device, cause) => died(device, cause));
      return Promise.resolve();
    },
    stop: () => {
      pipeline.stop();
      return Promise.resolve();
    },
  };
  // The control connection comes last: nobody may call before everything a call needs is there. It goes first.
  const parts = [
    tun,
    gre,
    ...lifecyclesOf(container, claims, platform, options.takesOver === true ? startedBeside : undefined),
    flow,
    driver,
    control,
  ];
  const runner = new LifecycleRunner(parts, platform.log);
  const moving = new Moving(movingParts(container, claims, platform.log, { tun, gre, driver, control }));
  return {
    stages,
    moving,
    tunName: () => tun.interfaceName,
    sessions: () => driver.size,
    callIds: container.get(TOKENS.CallIds),
    tunnels: () => driver.views(),
    live: liveTunnels(driver),
    control: () => ({ connections: control.connectionCount ?? 0, ...(control.setups ?? { running: 0, waiting: 0 }) }),
    pools: () => poolParts(container),
    plugins: pluginLines(claims),
    later: (session, name) => driver.later(session, name),
    onTunnelEnd: (listener) => driver.onEnd(listener),
    probes,
    numbers: () => numbers.read(),
    hangUp: (detail) => driver.hangUp(detail),
    hangUpAll: (reason, detail) => driver.hangUpAll(reason, detail),
    refuseCalls: () => control.refuseCalls(),
    acceptCalls: () => control.acceptCalls?.(),
    endOlder: (identity, address) => driver.endOlder(identity, address),
    directory: container.get(TOKENS.Sessions),
    locks: allLocks(container.isBound(TOKENS.Locks) ? container.getAll(TOKENS.Locks) : []),
    hostRoutes: container.isBound(TOKENS.HostRoutes) ? container.get(TOKENS.HostRoutes) : undefined,
    check: ({ session }) => void chooseMethods(session.authMethods, container.getAll(TOKENS.AuthMethod)),
    prepareSettings: (given) => prepareSettings(plugins, given, platform),
    start: (onDeath) => {
      died = onDeath;
      return runner.start();
    },
    stop: async () => {
      if (moving.gone) return;
      control.refuseCalls();
      await runner.stop();
    },
  };
}

const movingParts = (
  container: Container,
  claims: Claims,
  log: Log,
  { tun, gre, driver, control }: Pick<MovingParts, 'tun' | 'gre' | 'driver'> & { readonly control: ControlPlugin },
): MovingParts => {
  const callIds = container.get(TOKENS.CallIds);
  const routes = container.isBound(TOKENS.HostRoutes) ? container.get(TOKENS.HostRoutes) : undefined;
  const lifecycles = container.getAll(TOKENS.Lifecycle);
  const listeners = container.isBound(TOKENS.SessionListener) ? container.getAll(TOKENS.SessionListener) : [];
  return {
    tun,
    gre,
    driver,
    control: control instanceof ControlPptp ? control : undefined,
    callIds: callIds instanceof RandomCallIds ? callIds : undefined,
    host: routes instanceof HostNetwork ? routes : undefined,
    parts: new HandedParts(lifecycles, log),
    others: immovable(claims, { listeners, lifecycles }),
  };
};

const liveTunnels = (driver: Driver): LiveTunnels => {
  const everybody = new LocalSessions(() => ({
    live: () => driver.all(),
    liveOne: (id) => driver.one(id),
    onEnd: (listener) => driver.onEnd(listener),
  }));
  return {
    all: () => driver.all(),
    one: (id) => driver.one(id),
    onUp: (listener) => driver.onUp(listener),
    disconnect: (id, ending) => everybody.disconnect(id, ending),
  };
};

const poolParts = (container: Container): readonly PoolPart[] => {
  const { parts, size, inUse } = container.get(TOKENS.AddressPool);
  const one = size === undefined || inUse === undefined ? [] : [{ pool: 'default', used: inUse, size }];
  const prefixes = container.isBound(GATEWAY_TOKENS.PrefixPool) ? container.get(GATEWAY_TOKENS.PrefixPool) : undefined;
  return [
    ...(parts ?? one),
    ...(prefixes === undefined ? [] : [{ pool: 'ipv6', used: prefixes.inUse, size: prefixes.size }]),
  ];
};

const allLocks = (books: readonly LockBook[]): LockBook => ({
  list: () => books.flatMap((book) => book.list()),
  clear: (query) => books.reduce((count, book) => count + book.clear(query), 0),
});

function keepNumbers(
  container: Container,
  { clock, telemetry }: Platform,
  driver: Driver,
  control: ControlPlugin,
  tun: TunDevice,
): NumberKeeper {
  const hub = container.get(GATEWAY_TOKENS.DriverHub);
  const packets = [GATEWAY_TOKENS.PeerPackets, GATEWAY_TOKENS.IntranetPackets].map((token) => container.get(token));
  const numbers = new NumberKeeper({
    clock,
    telemetry,
    outboxes: [hub.control, hub.acks, ...packets],
    addresses: container.get(TOKENS.AddressPool),
    prefixes: container.isBound(GATEWAY_TOKENS.PrefixPool) ? container.get(GATEWAY_TOKENS.PrefixPool) : undefined,
    tunnels: () => driver.views(),
    controlConnections: () => control.connectionCount ?? 0,
    setups: () => control.setups ?? { running: 0, waiting: 0 },
    tunName: () => tun.interfaceName,
  });
  driver.onEnd((ending) => numbers.ended(ending));
  return numbers;
}
