import { loadConfig } from '../../config/load.ts';
import type { GatewayConfig } from '../../config/types.ts';
import { formatIpv4, type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { LinkOptions } from '../../core/machine/ppp-link-types.ts';
import type { CallRefusal } from '../../core/machine/pptp-control-types.ts';
import type { AuthMethod } from '../../core/ports/auth.ts';
import type { LiveOptions } from '../../core/ports/live-options.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { createGateway, type Gateway, type LiveGatewayOptions, type Platform } from '../../gateway/bootstrap.ts';
import { type ClientEvent, clientOptions, PptpClient } from '../../gateway/dial/pptp-client.ts';
import { gatewayOptions } from '../../gateway/options.ts';
import { builtIn, type LoadedPlugin, withOptions } from '../../gateway/plugin-loader.ts';
import { chapMd5Plugin } from '../../plugins/auth-chap-md5/index.ts';
import { msChapV1Plugin } from '../../plugins/auth-ms-chap-v1/index.ts';
import { msChapV2Method, msChapV2Plugin } from '../../plugins/auth-ms-chap-v2/index.ts';
import { papPlugin } from '../../plugins/auth-pap/index.ts';
import { type DialledPipe, PipeControl } from '../../plugins/control-pptp/index.ts';
import { type MemoryGreSocket, MemoryTunDevice } from '../../plugins/io-memory/index.ts';
import { FakeClock } from './fake-clock.ts';
import { type Faults, FaultyGreSocket } from './fault-io.ts';
import { GreWire } from './gre-wire.ts';
import { MemoryLog } from './memory-log.ts';
import { type MemoryPipe, memoryPipe } from './memory-pipe.ts';
import { MemoryTelemetry } from './memory-telemetry.ts';
import { type MemoryUser, MemoryUsers } from './memory-users.ts';
import { seededRandom } from './seeded-random.ts';

/** The time of day when the clock is at zero: 2023-11-14 22:13:20 UTC. */
export const EPOCH_MS = 1_700_000_000_000;
/** 198.51.100.1 */
export const SERVER = ipv4(0xc633_6401);
/** Where the lab's peers live: 203.0.113.1, .2, ... */
const FIRST_PEER = ipv4(0xcb00_7101);

export interface LabOptions {
  readonly users?: Readonly<Record<string, MemoryUser>>;
  /** `PPTP_*` settings that differ from the defaults. */
  readonly env?: Readonly<Record<string, string>>;
  /** Instead of `env`. */
  readonly config?: GatewayConfig;
  readonly plugins?: readonly LoadedPlugin[];
  /** What the path does to GRE packets, both ways, from the beginning. */
  readonly faults?: Omit<Faults, 'seed'>;
  readonly seed?: number;
  /** Stands between the gateway and what it reports to. */
  readonly observe?: (platform: Platform) => Platform;
  /** What a test changes while the gateway runs. */
  readonly live?: LiveOptions<LiveGatewayOptions>;
}

export interface DialOptions {
  readonly user?: string;
  readonly password?: string;
  readonly method?: AuthMethod;
  /** Announce the call as a PAC. */
  readonly incoming?: boolean;
  readonly link?: Partial<Omit<LinkOptions, 'authMethods' | 'random'>>;
}

/** A client, its devices, and what it went through. */
export interface LabPeer {
  readonly peer: PptpClient;
  readonly tun: MemoryTunDevice;
  readonly gre: FaultyGreSocket;
  /** `left` is the client's end. */
  readonly pipe: MemoryPipe;
  readonly outer: Ipv4;
  readonly events: readonly ClientEvent[];
  readonly telemetry: MemoryTelemetry;
}

/** A client's way to the gateway's control port. */
export interface LabLine {
  /** `left` is the client's end. */
  readonly pipe: MemoryPipe;
  readonly outer: Ipv4;
  readonly dialled: DialledPipe;
}

const clientDevices = (tun: MemoryTunDevice, gre: FaultyGreSocket, method: AuthMethod): LoadedPlugin =>
  withOptions(
    definePlugin({
      name: 'lab-client',
      api: PLUGIN_API,
      register: ({ bind }) => {
        bind(TOKENS.Tun).toConstantValue(tun);
        bind(TOKENS.GreSocket).toConstantValue(gre);
        bind(TOKENS.AuthMethod).toConstantValue(method);
      },
    }),
    undefined,
  );

const ALICE = { alice: { password: 'wonderland' } };

/** The whole gateway, its container included, on in-memory devices in virtual time, and clients to call it. */
export class GatewayLab {
  readonly clock = new FakeClock();
  readonly log = new MemoryLog();
  readonly telemetry = new MemoryTelemetry();
  readonly wire: GreWire;
  readonly tun: MemoryTunDevice;
  readonly gre: FaultyGreSocket;
  readonly gateway: Gateway;
  readonly deaths: string[] = [];
  /** Refuses every call with this. */
  refuse: CallRefusal | undefined;
  /** The gateway's GRE socket dies. */
  readonly killGre: (cause: Error) => void;
  private readonly options: ReturnType<typeof gatewayOptions>;
  private readonly acceptIncoming: boolean;
  private readonly faults: Omit<Faults, 'seed'>;
  private readonly seed: number;
  private sockets = 0;
  private control: PipeControl | undefined;
  private dialled = 0;

  constructor(options: LabOptions = {}) {
    this.seed = options.seed ?? 1;
    this.wire = new GreWire(this.clock);
    this.faults = options.faults ?? {};
    this.tun = new MemoryTunDevice({ defer: this.clock.defer });
    const socket = this.wire.attach(SERVER);
    this.killGre = (cause) => socket.fail(cause);
    this.gre = this.faulty(socket);
    const config = options.config ?? loadConfig({ env: { ...options.env } }).config;
    this.options = gatewayOptions(config);
    this.acceptIncoming = config.calls.acceptIncoming;
    const own: Platform = {
      clock: this.clock,
      wallClock: { now: () => EPOCH_MS + this.clock.now() },
      random: seededRandom(this.seed),
      log: this.log,
      telemetry: this.telemetry,
    };
    const platform = options.observe?.(own) ?? own;
    const plugins = [
      ...(options.plugins ?? []),
      ...[
        withOptions(msChapV2Plugin, { maxAttempts: config.auth.maxAttempts }),
        withOptions(msChapV1Plugin, { maxAttempts: config.auth.maxAttempts }),
        withOptions(chapMd5Plugin, undefined),
        withOptions(papPlugin, undefined),
        this.devices(new MemoryUsers(options.users ?? ALICE)),
      ].map(builtIn),
    ];
    const { live } = options;
    this.gateway = createGateway(platform, { ...this.options, ...(live && { live }) }, plugins);
  }

  static async start(options: LabOptions = {}): Promise<GatewayLab> {
    const lab = new GatewayLab(options);
    await lab.gateway.start((device) => lab.deaths.push(device));
    return lab;
  }

  /** A client calls; nothing happens before the clock moves. */
  async dial(options: DialOptions = {}): Promise<LabPeer> {
    const client = this.client(options, this.line());
    await client.peer.start();
    return client;
  }

  /** Leads to the gateway's control port from an address of its own. */
  line(): LabLine {
    const outer = ipv4(FIRST_PEER + this.dialled);
    this.dialled += 1;
    const pipe = memoryPipe(this.clock.defer);
    this.control?.attach(pipe.right, { local: SERVER, peer: outer, peerName: `${formatIpv4(outer)}:40000` });
    return { pipe, outer, dialled: { pipe: pipe.left, ends: { local: outer, peer: SERVER, peerName: 'server' } } };
  }

  /** A client on that line, not started. */
  client(options: DialOptions, { pipe, outer, dialled }: LabLine): LabPeer {
    const { clock } = this;
    const gre = this.faulty(this.wire.attach(outer));
    const tun = new MemoryTunDevice({ defer: clock.defer });
    const telemetry = new MemoryTelemetry();
    const method = options.method ?? msChapV2Method();
    const { dataPath, session } = clientOptions(this.options, {
      userName: options.user ?? 'alice',
      password: options.password ?? ALICE.alice.password,
    });
    const link = { ...session.link, ...options.link };
    const peer = new PptpClient(
      { clock, random: seededRandom(this.seed * 1000 + this.dialled), log: new MemoryLog(), telemetry },
      {
        dataPath: { ...dataPath, clearAllowed: link.encryption !== 'required' },
        session: { ...session, link, authMethods: [method.name] },
      },
      [clientDevices(tun, gre, method)],
      dialled,
      { incoming: options.incoming },
    );
    const events: ClientEvent[] = [];
    peer.events$.subscribe((event) => events.push(event));
    return { peer, tun, gre, pipe, outer, events, telemetry };
  }

  /** A client whose tunnel is up. */
  async connect(options: DialOptions = {}): Promise<LabPeer & { readonly address: Ipv4 }> {
    const client = await this.dial(options);
    await this.clock.advance(1_000);
    const inner = client.peer.network?.address;
    if (inner === undefined) throw new Error(`the tunnel did not come up: ${JSON.stringify(client.events)}`);
    return { ...client, address: inner };
  }

  /** Stops the gateway; what it waits for gets its time. */
  async stop(): Promise<void> {
    const stopping = this.gateway.stop();
    await this.clock.advance(10_000);
    await stopping;
  }

  private faulty(socket: MemoryGreSocket): FaultyGreSocket {
    this.sockets += 1;
    return new FaultyGreSocket(socket, this.clock, { ...this.faults, seed: this.seed * 100 + this.sockets });
  }

  private devices(users: MemoryUsers): LoadedPlugin {
    const plugin = definePlugin({
      name: 'lab',
      api: PLUGIN_API,
      register: ({ bind }) => {
        bind(TOKENS.Tun).toConstantValue(this.tun);
        bind(TOKENS.GreSocket).toConstantValue(this.gre);
        bind(TOKENS.Authenticator).toConstantValue(users);
        bind(TOKENS.Control).toResolvedValue(
          (clock, log, random, callIds) => {
            this.control = new PipeControl(
              { clock, log, random, callIds, admit: () => this.refuse },
              { role: 'pac', acceptIncomingCalls: this.acceptIncoming },
            );
            return this.control;
          },
          [TOKENS.Clock, TOKENS.Log, TOKENS.Random, TOKENS.CallIds],
        );
      },
    });
    return withOptions(plugin, undefined);
  }
}
