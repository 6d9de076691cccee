// Opens a TUN device, sets up the host network, says so and then waits to be killed or told to stop (a line on stdin).
import { once } from 'node:events';
import { ipv4 } from '../../../core/bytes/ipv4-address.ts';
import { parseIpv6Network } from '../../../core/bytes/ipv6-address.ts';
import { gatewayIpv6 } from '../../../gateway/session/prefix-pool.ts';
import { HostNetwork } from '../../../plugins/host-network-linux/host-network.ts';
import { LinuxTunDevice } from '../../../plugins/io-tun-linux/linux-tun-device.ts';

interface Order {
  readonly interfaceName: string;
  readonly stateDirectory: string;
  readonly pool: number;
  readonly proxyArp: readonly string[];
  /** An IPv6 network, as text. */
  readonly ipv6?: string;
}

const order: Order = JSON.parse(process.argv[2] ?? '{}');
const notAborted = { aborted: false, addEventListener: (): void => undefined };
const tun = new LinuxTunDevice({ telemetry: { dropped: () => undefined } }, { interfaceName: order.interfaceName });
await tun.start(notAborted);
const pool6 = order.ipv6 === undefined ? undefined : parseIpv6Network(order.ipv6);
const network = new HostNetwork(
  { tun },
  {
    gatewayAddress: ipv4(order.pool + 1),
    pool: { network: ipv4(order.pool), prefixLength: 24 },
    routes: [],
    mtu: 1400,
    queueLength: 1000,
    nat: { mode: 'all' },
    proxyArp: order.proxyArp,
    stateDirectory: order.stateDirectory,
    ...(pool6 === undefined ? {} : { ipv6: { gatewayAddress: gatewayIpv6(pool6), pool: pool6 } }),
  },
);
try {
  await network.start(notAborted);
  console.log(`up ${tun.interfaceName}`);
  await once(process.stdin, 'data');
  await network.stop();
  await tun.stop();
  console.log('down');
  process.exit(0);
} catch (cause) {
  console.log(cause instanceof Error ? `${Reflect.get(cause, 'code')}: ${cause.message}` : String(cause));
  process.exit(1);
}
