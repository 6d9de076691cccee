import type { Ipv4 } from '../core/bytes/ipv4-address.ts';
import type { AuthMethod } from '../core/ports/auth.ts';
import type { EapMethod } from '../core/ports/eap.ts';
import type { GatewayPlugin } from '../core/ports/plugin.ts';
import { ipv4Destination, ipv4Source } from '../core/wire/ipv4.ts';
import { withOptions } from '../gateway/plugin-loader.ts';
import { chapMd5Method } from '../plugins/auth-chap-md5/index.ts';
import { eapMethod, eapMsChapV2, eapPlugin } from '../plugins/auth-eap/index.ts';
import { msChapV1Method } from '../plugins/auth-ms-chap-v1/index.ts';
import { msChapV2Method } from '../plugins/auth-ms-chap-v2/index.ts';
import { papMethod } from '../plugins/auth-pap/index.ts';
import { loadWithObjects, type ReadGateway, readWithObjects } from './gateway-plugins.ts';
import type { FakeClock } from './lab/fake-clock.ts';
import { GatewayLab } from './lab/gateway-lab.ts';
import { LabClient, ROUND_TRIP_MS } from './lab/lab-client.ts';
import type { MemoryLog } from './lab/memory-log.ts';
import type { MemoryTelemetry, RecordedSpan, RecordedTrace } from './lab/memory-telemetry.ts';
import { ECHO, echoPacket, isEcho } from './support/packets.ts';
import { INTRANET_HOST, type TestClient } from './test-client.ts';

export interface TestUser {
  readonly password: string;
  readonly address?: Ipv4;
}

export interface TestGatewayOptions {
  /** Plug-ins as objects. Those of packages are named in `env` (PPTP_PLUGINS), as an operator does. */
  readonly plugins?: readonly GatewayPlugin[];
  /** `PPTP_*` settings, of the gateway and of the plug-ins, as text. */
  readonly env?: Readonly<Record<string, string>>;
  /** Users that the gateway knows besides those of plug-ins, in place of its users file. Default: alice, "wonderland". */
  readonly users?: Readonly<Record<string, TestUser>>;
  /** Where random octets begin; the same seed gives the same run. */
  readonly seed?: number;
  /** How long a dial waits for the answer of a plug-in that needs real time (sockets, files), in ms; default 2000. */
  readonly patienceMs?: number;
}

/** Names of settings, such as `acme-directory.url`. */
export interface TestReload {
  /** They have other values now. */
  readonly changed: readonly string[];
  /** They keep the values of the start, because they are not `live`. */
  readonly needRestart: readonly string[];
}

/** Methods that a client speaks by name. */
export type ClientMethod = 'pap' | 'chap-md5' | 'ms-chap-v1' | 'ms-chap-v2' | 'eap';

export interface TestDial {
  /** Default alice. */
  readonly user?: string;
  /** Default "wonderland". */
  readonly password?: string;
  /** Default `ms-chap-v2`. An object is one of one's own, in its role `peer`. */
  readonly method?: ClientMethod | AuthMethod;
  /** EAP methods that the client speaks, best first, with `method: 'eap'`. Default: MS-CHAPv2. */
  readonly eap?: readonly EapMethod[];
  /** Without encryption, where the method yields no keys; the gateway needs PPTP_MPPE=permitted then. */
  readonly encryption?: 'required' | 'none';
}

/** A set-up is over by then, whichever way; in ms of virtual time. */
const SETUP_MS = 40_000;
const PATIENCE_MS = 2_000;

/**
 * A whole gateway in this process: its container, its plug-ins, its sessions and its pipeline are those of a real one;
 * its devices and its clock are in memory. Nothing happens unless `clock` moves, which the methods here do.
 */
export class TestGateway {
  readonly clock: FakeClock;
  /** Every line that the gateway logged. */
  readonly log: MemoryLog;
  /** Every drop, event and span that it reported. */
  readonly telemetry: MemoryTelemetry;
  private readonly lab: GatewayLab;
  private readonly objects: readonly GatewayPlugin[];
  private env: Readonly<Record<string, string>>;
  /** As they are in force. */
  private given: ReadGateway['given'];
  private readonly patienceMs: number;
  private readonly arrived: Uint8Array[] = [];
  private readonly clients: LabClient[] = [];
  private echoes = 0;

  private constructor(
    lab: GatewayLab,
    { plugins = [], env = {}, patienceMs }: TestGatewayOptions,
    { given }: ReadGateway,
  ) {
    this.lab = lab;
    this.objects = plugins;
    this.env = env;
    this.given = given;
    this.patienceMs = patienceMs ?? PATIENCE_MS;
    this.clock = lab.clock;
    this.log = lab.log;
    this.telemetry = lab.telemetry;
  }

  /** Loads the plug-ins as the gateway does, and starts it. Rejects with what an operator would read. */
  static async start(options: TestGatewayOptions = {}): Promise<TestGateway> {
    const loaded = await loadWithObjects(options.plugins ?? [], options.env ?? {});
    const { config, plugins } = loaded;
    const { auth, eap } = config;
    const host = withOptions(eapPlugin, { methods: eap.methods, maxAttempts: auth.maxAttempts });
    const lab = new GatewayLab({
      config,
      plugins: auth.methods.includes('eap') ? [host, ...plugins] : plugins,
      ...(options.users === undefined ? {} : { users: options.users }),
      ...(options.seed === undefined ? {} : { seed: options.seed }),
    });
    const starting = lab.gateway.start((device) => lab.deaths.push(device));
    // Awaited below; until then nobody hears it fail.
    starting.catch(() => undefined);
    await lab.clock.advance(0);
    await starting;
    return new TestGateway(lab, options, loaded);
  }

  /**
   * Gives plug-ins other settings while the gateway runs, as a reload of its configuration does: `env` is added to what
   * it had, and `undefined` takes a name away. Rejects with what an operator would read, and then nothing has changed.
   */
  async reload(env: Readonly<Record<string, string | undefined>>): Promise<TestReload> {
    const next = Object.fromEntries(
      Object.entries({ ...this.env, ...env }).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    );
    const { given, settings } = await readWithObjects(this.objects, next);
    const [changed, needRestart]: [string[], string[]] = [[], []];
    const inForce: Record<string, Record<string, unknown>> = {};
    for (const { plugin, setting, mayBecome } of settings) {
      const [from, to] = [this.given[plugin]?.[setting], given[plugin]?.[setting]];
      const isChanged = JSON.stringify(from) !== JSON.stringify(to);
      const isLive = isChanged && mayBecome(from, to);
      if (isChanged) (isLive ? changed : needRestart).push(`${plugin}.${setting}`);
      const value = isLive ? to : from;
      if (value !== undefined) inForce[plugin] = { ...inForce[plugin], [setting]: value };
    }
    (await this.lab.gateway.prepareSettings(inForce))();
    this.env = next;
    this.given = inForce;
    return { changed, needRestart };
  }

  /** Calls that are up. */
  get sessions(): number {
    return this.lab.gateway.sessions();
  }

  /** The stages of the pipeline by name, in the order of inbound packets. */
  get stages(): readonly string[] {
    return this.lab.gateway.stages.map(({ name }) => name);
  }

  /**
   * A client calls, and its set-up runs to its end, whichever that is: look at `client.address` and `client.failure`.
   * Control connection, LCP, authentication, CCP and IPCP are the real ones.
   */
  async dial(options: TestDial = {}): Promise<TestClient> {
    const { user, password, encryption = 'required' } = options;
    const peer = await this.lab.dial({
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { password }),
      method: clientMethod(options),
      link: { encryption: encryption === 'none' ? 'disabled' : 'required' },
    });
    const client = new LabClient(this, peer, () => this.lab.wire.seen);
    this.clients.push(client);
    for (let waited = 0; waited < SETUP_MS && !client.isSettled; waited += ROUND_TRIP_MS) {
      await this.clock.advance(ROUND_TRIP_MS);
      await this.answersOfPlugins();
    }
    return client;
  }

  /** A client that is up; throws, with what went wrong, where it is not. */
  async connect(options: TestDial = {}): Promise<TestClient & { readonly address: Ipv4 }> {
    const client = await this.dial(options);
    if (!hasAddress(client))
      throw new Error(`the tunnel did not come up: ${client.failure}\n${client.lines.join('\n')}`);
    return client;
  }

  /** A host behind the gateway sends an IP packet, and it has its time to pass. */
  async hostSends(packet: Uint8Array): Promise<void> {
    this.lab.tun.hostSends(packet);
    await this.clock.advance(ROUND_TRIP_MS);
  }

  /** IP packets that came out behind the gateway and were not taken yet, oldest first. */
  hostReceives(): readonly Uint8Array[] {
    for (let packet = this.lab.tun.hostReceives(); packet !== undefined; packet = this.lab.tun.hostReceives()) {
      this.arrived.push(packet);
    }
    return this.arrived.splice(0);
  }

  /** A host pings the client through the gateway; false when no answer comes back. Other packets stay to be taken. */
  async ping(client: TestClient, from: Ipv4 = INTRANET_HOST): Promise<boolean> {
    const { address } = client;
    if (address === undefined) return false;
    const sequence = this.nextEcho();
    await this.hostSends(echoPacket('request', { source: from, destination: address }, sequence));
    if (!(client instanceof LabClient) || !client.answers(sequence)) return false;
    await this.clock.advance(ROUND_TRIP_MS);
    return this.takesEcho(ECHO.reply, sequence) !== undefined;
  }

  /** Stops the gateway in order. */
  async stop(): Promise<void> {
    for (const client of this.clients) if (client.address !== undefined) await client.hangUp();
    await this.lab.stop();
  }

  /** For `client.ping`: the number of the next Echo. */
  nextEcho(): number {
    this.echoes += 1;
    return this.echoes;
  }

  /** For `client.ping`: a host behind the gateway answers the Echo Request with this number, if it has arrived. */
  async answers(sequence: number): Promise<boolean> {
    const request = this.takesEcho(ECHO.request, sequence);
    if (request === undefined) return false;
    const ends = { source: ipv4Destination(request, 0), destination: ipv4Source(request, 0) };
    await this.hostSends(echoPacket('reply', ends, sequence));
    return true;
  }

  /** The clock stands still while a plug-in works on an answer outside of this process. */
  private async answersOfPlugins(): Promise<void> {
    const until = performance.now() + this.patienceMs;
    while (performance.now() < until && this.telemetry.traces.some(isAsking)) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  private takesEcho(type: number, sequence: number): Uint8Array | undefined {
    const packets = this.hostReceives();
    const at = packets.findIndex((packet) => isEcho(packet, type, sequence));
    this.arrived.push(...packets.filter((_, n) => n !== at));
    return packets[at];
  }
}

/** Whether a question to a plug-in is open in this set-up. */
const isAsking = ({ ended, phases }: RecordedTrace): boolean => !ended && phases.some(isOpenQuestion);

const isOpenQuestion = ({ name, ended, steps }: RecordedSpan): boolean =>
  steps.some(isOpenQuestion) ||
  (!ended && (name === 'auth.backend' || name === 'auth.task' || name.startsWith('plugin.')));

const hasAddress = (client: TestClient): client is TestClient & { readonly address: Ipv4 } =>
  client.address !== undefined;

function clientMethod({ method = 'ms-chap-v2', eap }: TestDial): AuthMethod {
  if (typeof method !== 'string') return method;
  switch (method) {
    case 'pap':
      return papMethod();
    case 'chap-md5':
      return chapMd5Method();
    case 'ms-chap-v1':
      return msChapV1Method();
    case 'ms-chap-v2':
      return msChapV2Method();
    case 'eap':
      return eapMethod(eap ?? [eapMsChapV2()]);
  }
}
