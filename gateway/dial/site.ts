import type { GatewayConfig } from '../../config/types.ts';
import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { StartCollisions } from '../../core/machine/pptp-collision.ts';
import type { CallIds } from '../../core/ports/ids.ts';
import type { GreSocket } from '../../core/ports/packet-io.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { connectControl, resolveServer } from '../../plugins/control-pptp/index.ts';
import { ClientNetwork } from '../../plugins/host-network-linux/index.ts';
import type { Platform } from '../bootstrap.ts';
import { isGreDriver } from '../gre-driver.ts';
import { gatewayOptions } from '../options.ts';
import type { TracePackets } from '../packet-traces.ts';
import { withOptions } from '../plugin-loader.ts';
import { clientOptions, PptpClient } from './pptp-client.ts';
import { CONNECT_TIMEOUT_MS, clientHost, clientPlugins } from './run-dial.ts';
import { checkAddresses } from './site-host.ts';
import { SiteTunnel } from './site-tunnel.ts';
import { type GreBranch, SplitGre } from './split-gre.ts';

/** RFC 2637 section 1.4: gateways listen there, whatever our own port is. */
const PORT = 1723;

/** The client's side of a gateway's configuration: never weaker because the gateway's own clients are. */
const clientConfig = (config: GatewayConfig): GatewayConfig => ({
  ...config,
  tun: { ...config.tun, name: config.dial.tun },
  auth: { ...config.auth, methods: ['ms-chap-v2'] },
  mppe: { ...config.mppe, policy: 'required', strengths: [128] },
});

const branchPlugin = ({ gre }: GreBranch) =>
  withOptions(
    definePlugin({
      name: 'gre-branch',
      api: PLUGIN_API,
      register: ({ bind }) => void bind(TOKENS.GreSocket).toConstantValue(gre),
    }),
    undefined,
  );

/** What a gateway and its own tunnel to another site share. */
export class Site {
  readonly collisions = new StartCollisions();
  private readonly config: GatewayConfig;
  private readonly onDial: (server: Ipv4) => Promise<void>;
  private gre: SplitGre | undefined;

  /** `onDial` is told the address of the other site's gateway each time before it is dialled. */
  constructor(config: GatewayConfig, onDial: (server: Ipv4) => Promise<void> = () => Promise.resolve()) {
    this.config = config;
    this.onDial = onDial;
  }

  /** For the options of the gateway; nothing stands between when there is nobody to dial. */
  readonly shareGre = (gre: GreSocket): GreSocket => {
    if (this.config.dial.server === undefined) return gre;
    this.gre = new SplitGre(gre);
    return this.gre;
  };

  /** The tunnel to the other site, not started; undefined when there is none to keep. `callIds` are the gateway's. */
  tunnel(platform: Platform, callIds: CallIds, tracePackets: TracePackets): SiteTunnel | undefined {
    const { config, collisions, gre } = this;
    const { server, user, password, routes, tun } = config.dial;
    if (server === undefined || gre === undefined) return undefined;
    const client = clientConfig(config);
    const options = clientOptions(gatewayOptions(client), { userName: user, password });
    const devices = clientPlugins(client).filter(({ name }) => !isGreDriver(name));
    const network = new ClientNetwork({ log: platform.log }, { stateDirectory: config.stateDir, interfaceName: tun });
    const { address } = config.listen;
    const localAddress = address === '0.0.0.0' ? undefined : address;
    const host = clientHost(network, client, routes);
    return new SiteTunnel({
      ...platform,
      collisions,
      server,
      resolve: async (name) => {
        const address = await resolveServer(name);
        await this.onDial(address);
        return address;
      },
      connect: (to, signal) =>
        connectControl({ host: formatIpv4(to), port: PORT, localAddress, timeoutMs: CONNECT_TIMEOUT_MS }, signal),
      createClient: (line) => {
        const branch = gre.branch(callIds);
        const plugins = [...devices, branchPlugin(branch)];
        const client = new PptpClient(platform, options, plugins, line, { callIds: branch.callIds, collisions });
        tracePackets(client);
        return client;
      },
      host: {
        up: async (made) => {
          checkAddresses(made.network, config.pool);
          await host.up(made);
        },
        down: () => host.down(),
        recover: () => network.recover(),
      },
    });
  }
}
