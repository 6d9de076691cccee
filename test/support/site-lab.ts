import { loadConfig } from '../../config/load.ts';
import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { GatewayError } from '../../core/errors.ts';
import { StartCollisions } from '../../core/machine/pptp-collision.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { createGateway, type Gateway, type Platform } from '../../gateway/bootstrap.ts';
import { clientOptions, PptpClient } from '../../gateway/dial/pptp-client.ts';
import { SiteTunnel } from '../../gateway/dial/site-tunnel.ts';
import { SplitGre } from '../../gateway/dial/split-gre.ts';
import { gatewayOptions } from '../../gateway/options.ts';
import { type LoadedPlugin, withOptions } from '../../gateway/plugin-loader.ts';
import { msChapV2Plugin } from '../../plugins/auth-ms-chap-v2/index.ts';
import { type DialledPipe, PipeControl } from '../../plugins/control-pptp/index.ts';
import { MemoryTunDevice } from '../../plugins/io-memory/index.ts';
import type { FakeClock } from './fake-clock.ts';
import type { GreWire } from './gre-wire.ts';
import { MemoryLog } from './memory-log.ts';
import { type MemoryPipe, memoryPipe } from './memory-pipe.ts';
import { MemoryTelemetry } from './memory-telemetry.ts';
import { MemoryUsers } from './memory-users.ts';
import { seededRandom } from './seeded-random.ts';

const USER = { userName: 'other-site', password: 'between sites' };

const bound = (name: string, register: LoadedPlugin['register']): LoadedPlugin =>
  withOptions(definePlugin({ name, api: PLUGIN_API, register }), undefined);

export interface LabSiteOptions {
  readonly pool: string;
  readonly password?: string;
}

/** A gateway that also dials another one, on in-memory devices, in virtual time. */
export class LabSite {
  readonly outer: Ipv4;
  readonly log = new MemoryLog();
  readonly telemetry = new MemoryTelemetry();
  readonly tun: MemoryTunDevice;
  /** Devices of the calls that were dialled, the newest last. */
  readonly dialledTuns: MemoryTunDevice[] = [];
  readonly collisions = new StartCollisions();
  readonly control: PipeControl;
  readonly gateway: Gateway;
  readonly tunnel: SiteTunnel;
  /** What was done to the host, in order. */
  readonly story: string[] = [];
  /** Control connections that this site opened. */
  readonly pipes: MemoryPipe[] = [];
  other: LabSite | undefined;
  unreachable = false;

  constructor(clock: FakeClock, wire: GreWire, outer: Ipv4, seed: number, options: LabSiteOptions) {
    this.outer = outer;
    this.tun = new MemoryTunDevice({ defer: clock.defer });
    const { log, telemetry, collisions } = this;
    const platform: Platform = { clock, random: seededRandom(seed), log, telemetry };
    const configured = gatewayOptions(loadConfig({ env: { PPTP_POOL: options.pool } }).config);
    const { random } = platform;
    const gre = new SplitGre(wire.attach(outer));
    let control: PipeControl | undefined;
    const devices = bound('lab-site', ({ bind }) => {
      bind(TOKENS.Tun).toConstantValue(this.tun);
      bind(TOKENS.GreSocket).toConstantValue(gre);
      bind(TOKENS.Authenticator).toConstantValue(new MemoryUsers({ [USER.userName]: USER }));
      bind(TOKENS.Control).toResolvedValue(
        (callIds) => {
          control = new PipeControl({ clock, log, random, callIds, collisions }, { role: 'pac' });
          return control;
        },
        [TOKENS.CallIds],
      );
    });
    const methods = withOptions(msChapV2Plugin, { maxAttempts: 3 });
    this.gateway = createGateway(platform, configured, [methods, devices]);
    if (control === undefined) throw new Error('no control connection');
    this.control = control;
    const account = { ...USER, ...(options.password === undefined ? {} : { password: options.password }) };
    this.tunnel = new SiteTunnel({
      ...platform,
      collisions,
      server: 'the other site',
      resolve: async () => this.peer().outer,
      connect: async () => this.line(clock),
      createClient: (line) => {
        const branch = gre.branch(this.gateway.callIds);
        const tun = new MemoryTunDevice({ defer: clock.defer, interfaceName: 'site0' });
        this.dialledTuns.push(tun);
        const client = bound('lab-dial', ({ bind }) => {
          bind(TOKENS.Tun).toConstantValue(tun);
          bind(TOKENS.GreSocket).toConstantValue(branch.gre);
        });
        const setting = { callIds: branch.callIds, collisions };
        return new PptpClient(platform, clientOptions(configured, account), [methods, client], line, setting);
      },
      host: {
        recover: async () => void this.story.push('recover'),
        up: async ({ network }) => void this.story.push(`up ${formatIpv4(network.address)}`),
        down: async () => {
          if (this.story.at(-1) !== 'down') this.story.push('down');
        },
      },
    });
  }

  async start(): Promise<void> {
    await this.gateway.start(() => undefined);
  }

  /** Log lines of this event. */
  said(event: string): string[] {
    return this.log.lines.filter((line) => line.event === event).map(({ message }) => message);
  }

  private peer(): LabSite {
    if (this.other === undefined) throw new Error('there is no other site');
    return this.other;
  }

  private line(clock: FakeClock): DialledPipe {
    const { outer, unreachable } = this;
    if (unreachable) throw new GatewayError('DIAL_FAILED', 'Cannot connect.');
    const pipe = memoryPipe(clock.defer);
    this.pipes.push(pipe);
    const to = this.peer();
    to.control.attach(pipe.right, { local: to.outer, peer: outer, peerName: `${formatIpv4(outer)}:40000` });
    return { pipe: pipe.left, ends: { local: outer, peer: to.outer, peerName: formatIpv4(to.outer) } };
  }
}

/** Two sites that know each other; nothing is dialled yet. */
export const twoSites = async (
  clock: FakeClock,
  wire: GreWire,
  addresses: readonly [Ipv4, Ipv4],
  passwords: readonly [string?, string?] = [],
): Promise<readonly [LabSite, LabSite]> => {
  const options = (pool: string, password: string | undefined): LabSiteOptions =>
    password === undefined ? { pool } : { pool, password };
  const first = new LabSite(clock, wire, addresses[0], 11, options('10.1.0.0/24', passwords[0]));
  const second = new LabSite(clock, wire, addresses[1], 22, options('10.2.0.0/24', passwords[1]));
  first.other = second;
  second.other = first;
  await first.start();
  await second.start();
  return [first, second];
};
