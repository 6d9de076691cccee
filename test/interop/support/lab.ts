import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Freeradius, type FreeradiusOptions } from '../../support/freeradius.ts';
import { type Capture, startCapture } from './capture.ts';
import type { ClientAuth } from './dial.ts';
import { GATEWAY, gatewayEnvironment } from './gateway-contract.ts';
import { GatewayProcess, type LogLine } from './gateway-process.ts';
import { Guest } from './guest.ts';
import { type Finished, mustRun, quote, run } from './shell.ts';
import { ADDRESSES, SCRIPTS } from './topology.ts';

export interface GuestOptions {
  /** On the WAN with an address of its own, behind the NAT router, or a host of the intranet. Default `wan`. */
  readonly where?: 'wan' | 'nat' | 'lan';
}

/**
 * How the NAT router treats PPTP: `alg` rewrites Call IDs (Linux's helper); `plain` knows nothing of it and GRE does
 * not come back; `split` keeps Call IDs and tells two clients apart by the server address each one calls.
 */
export type NatMode =
  | { readonly mode: 'alg' | 'plain' }
  | { readonly mode: 'split'; readonly pairs: readonly [NatPair, NatPair] };
export interface NatPair {
  readonly server: string;
  readonly client: Guest;
}

/** Whom our own client calls, and as whom. */
export interface Account {
  readonly server: string;
  readonly user: string;
  readonly password: string;
}

export interface GatewayOptions {
  /** Added to, and winning over, the lab's own settings. */
  readonly env?: Readonly<Record<string, string>>;
  /** Kept by the caller over several starts; otherwise a fresh one that goes with the lab. */
  readonly stateDirectory?: string;
  /** Another program instead of the built gateway. */
  readonly command?: readonly [string, ...string[]];
  readonly ready?: (line: LogLine) => boolean;
  readonly readyTimeoutMs?: number;
}

let labs = 0;

/** A network of its own with guests, a gateway namespace, an intranet host and a NAT router. */
export class Lab {
  readonly id: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #gateways: GatewayProcess[] = [];
  readonly #directories: string[] = [];
  readonly #radius: Freeradius[] = [];
  readonly #onExit = (): void => {
    spawnSync(`${SCRIPTS}net.sh`, ['down'], { env: { ...process.env, ...this.#env } });
  };
  #guests = 0;
  readonly #clients: Guest[] = [];

  private constructor() {
    labs += 1;
    this.id = `${process.pid}-${labs}`;
    this.#env = { PPTP_LAB_ID: this.id, PPTP_LAB_OWNER: String(process.pid) };
  }

  /** Brings up the network; labs that dead processes left behind are removed first. */
  static async up(): Promise<Lab> {
    const lab = new Lab();
    await mustRun(`${SCRIPTS}root.sh`, ['ensure']);
    process.once('exit', lab.#onExit);
    await mustRun(`${SCRIPTS}net.sh`, ['up'], { env: lab.#env });
    return lab;
  }

  /** Ends everything that was started in the lab. Safe to call twice. */
  async down(): Promise<void> {
    process.removeListener('exit', this.#onExit);
    await Promise.allSettled(this.#gateways.map((gateway) => gateway.stop('SIGKILL')));
    await Promise.allSettled(this.#radius.map((server) => server.stop()));
    await mustRun(`${SCRIPTS}net.sh`, ['down'], { env: this.#env });
    await Promise.all(this.#directories.map((directory) => rm(directory, { recursive: true, force: true })));
  }

  /** Ends every call without a word: for a test that failed in the middle of one. */
  async endCalls(): Promise<void> {
    await Promise.allSettled(this.#clients.map((client) => client.killClient()));
  }

  /** Boots a guest: with a PPTP client, or strongSwan, or both. */
  async guest(name: string, options: GuestOptions = {}): Promise<Guest> {
    this.#guests += 1;
    if (options.where === 'lan') {
      const inside = `10.77.0.${100 + this.#guests}`;
      return this.#boot(name, inside, 'lan', [`lan:${inside}/24`, '--route', '10.78.0.0/24@10.77.0.1']);
    }
    const bridge = options.where === 'nat' ? 'home' : 'wan';
    const address = bridge === 'home' ? `192.168.50.${10 + this.#guests}` : `198.51.100.${100 + this.#guests}`;
    const route = bridge === 'home' ? ['--route', `0.0.0.0/0@${ADDRESSES.natRouterInside}`] : [];
    const client = await this.#boot(name, address, bridge, [`${bridge}:${address}/24`, ...route]);
    this.#clients.push(client);
    return client;
  }

  /** Boots a guest that serves PPTP with poptop: a second peer, and the proof that the lab itself works. */
  async poptop(user: string, password: string): Promise<Guest> {
    const { poptop, poptopSecond, poptopLan, poptopPool } = ADDRESSES;
    const nics = [`wan:${poptop}/24`, `lan:${poptopLan}/24`, `wan:${poptopSecond}/24`];
    const guest = await this.#boot('poptop', poptop, 'wan', nics);
    await guest.must(['/lab/serve-pptpd', quote(user), quote(password), poptopPool].join(' '));
    return guest;
  }

  /** What poptop asks of the calls that come from now on, instead of MS-CHAPv2 and MPPE-128. */
  async poptopAsks(guest: Guest, auth: ClientAuth, mppe: 'none' | '40' | '128'): Promise<void> {
    await guest.must(`/lab/pptpd-options ${auth} ${mppe}`);
  }

  /** Dials with our own client from its namespace on the WAN and waits until it says that it is connected, or ends. */
  async startClient(account: Account, ...args: readonly string[]): Promise<GatewayProcess> {
    const state = await this.temporaryDirectory();
    const password = join(state, 'password');
    await writeFile(password, account.password, { mode: 0o600 });
    const command = [process.execPath, GATEWAY.entry, 'dial', account.server, '--user', account.user];
    const client = await GatewayProcess.start({
      program: 'ip',
      args: ['netns', 'exec', this.#namespace('cli'), ...command, '--password-file', password, ...args],
      env: { PATH: process.env['PATH'] ?? '', HOME: state, PPTP_STATE_DIR: state },
      ready: ({ text }) => /^(connected to |pptp-gateway: DIAL_)/.test(text),
    });
    this.#gateways.push(client);
    return client;
  }

  /** Runs a shell command where our own client runs. */
  inClient(command: string, timeoutMs = 60_000): Promise<Finished> {
    return this.#inNamespace('cli', command, timeoutMs);
  }

  /** Starts the gateway in its namespace and waits until it is ready. It goes with the lab at the latest. */
  async startGateway(options: GatewayOptions = {}): Promise<GatewayProcess> {
    const [program, ...args] = options.command ?? [process.execPath, GATEWAY.entry, ...GATEWAY.arguments];
    if (options.command === undefined && !existsSync(GATEWAY.entry)) {
      throw new Error(`${GATEWAY.entry} is not there; npm run build makes it`);
    }
    const state = options.stateDirectory ?? (await this.temporaryDirectory());
    const gateway = await GatewayProcess.start(
      {
        program: 'ip',
        args: ['netns', 'exec', this.#namespace('gw'), program, ...args],
        env: { PATH: process.env['PATH'] ?? '', HOME: state, ...gatewayEnvironment(state), ...options.env },
        ready: options.ready ?? ((line) => line.fields[GATEWAY.eventField] === GATEWAY.readyEvent),
      },
      options.readyTimeoutMs,
    );
    this.#gateways.push(gateway);
    return gateway;
  }

  /** Runs another command of the built gateway (`users add ...`) where and as {@link startGateway} would. */
  gatewayCommand(args: readonly string[], stateDirectory: string, input = ''): Promise<Finished> {
    const command = [process.execPath, GATEWAY.entry, ...args];
    const env = gatewayEnvironment(stateDirectory);
    return run('ip', ['netns', 'exec', this.#namespace('gw'), ...command], { env, input, timeoutMs: 60_000 });
  }

  /** FreeRADIUS on the intranet host. It goes with the lab at the latest. */
  async startRadius(options: Omit<FreeradiusOptions, 'namespace' | 'address'>): Promise<Freeradius> {
    const namespace = this.#namespace('lan');
    const server = await Freeradius.start({ ...options, namespace, address: ADDRESSES.intranet });
    this.#radius.push(server);
    return server;
  }

  /** A directory that goes with the lab. */
  async temporaryDirectory(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'pptp-lab-'));
    this.#directories.push(directory);
    return directory;
  }

  /** Runs a shell command on the intranet host. */
  intranet(command: string, timeoutMs = 60_000): Promise<Finished> {
    return this.#inNamespace('lan', command, timeoutMs);
  }

  /** Runs a shell command where the gateway runs: to look at its interfaces, routes and rules. */
  inGateway(command: string, timeoutMs = 60_000): Promise<Finished> {
    return this.#inNamespace('gw', command, timeoutMs);
  }

  /** The network namespace that the gateway runs in. */
  get gatewayNamespace(): string {
    return this.#namespace('gw');
  }

  async nat(nat: NatMode): Promise<void> {
    const pairs = nat.mode === 'split' ? nat.pairs.flatMap(({ server, client }) => [server, client.address]) : [];
    await mustRun(`${SCRIPTS}net.sh`, ['nat', nat.mode, ...pairs], { env: this.#env });
  }

  /** A provider that filters GRE: calls come up, no packet of protocol 47 arrives. */
  async gre(what: 'block' | 'allow'): Promise<void> {
    await mustRun(`${SCRIPTS}net.sh`, ['gre', what], { env: this.#env });
  }

  /** Captures what the WAN sees of the guests behind the NAT router. */
  captureNat(file: string): Promise<Capture> {
    return startCapture(this.#namespace('sw'), 'p-nat-out', file);
  }

  /** Captures on the gateway's WAN cable. */
  captureGateway(file: string): Promise<Capture> {
    return startCapture(this.#namespace('sw'), 'p-gw-wan', file);
  }

  async #boot(name: string, address: string, bridge: string, nics: readonly string[]): Promise<Guest> {
    const output = await mustRun(`${SCRIPTS}guest.sh`, ['start', name, ...nics], { env: this.#env });
    const bootMs = Number(/boot_ms=(\d+)/.exec(output)?.[1]);
    return new Guest({ name, address, bridge, bootMs, switchNamespace: this.#namespace('sw'), env: this.#env });
  }

  #inNamespace(which: string, command: string, timeoutMs: number): Promise<Finished> {
    return run('ip', ['netns', 'exec', this.#namespace(which), 'bash', '-c', command], { timeoutMs });
  }

  #namespace(which: string): string {
    return `pgl-${this.id}-${which}`;
  }
}
