// Our own PPTP client on real devices: `SERVER LOCAL USER PASSWORD`. Prints a line of JSON when the tunnel is up.
import 'reflect-metadata';
import { once } from 'node:events';
import { connect } from 'node:net';
import { loadConfig } from '../../../config/load.ts';
import { formatIpv4 } from '../../../core/bytes/ipv4-address.ts';
import { gatewayOptions } from '../../../gateway/options.ts';
import { systemClock, systemRandom } from '../../../gateway/system-clock.ts';
import { msChapV2Method } from '../../../plugins/auth-ms-chap-v2/index.ts';
import { RawGreSocket } from '../../../plugins/io-raw-gre/index.ts';
import { LinuxTunDevice } from '../../../plugins/io-tun-linux/index.ts';
import { address, silentTelemetry } from '../../support/batches.ts';
import { PptpPeer } from '../../support/peer/pptp-peer.ts';
import { socketPipe } from '../../support/peer/socket-pipe.ts';
import { stderrLog as log } from './stderr-log.ts';
import { configureTun } from './tun-address.ts';

const [server = '', local = '', localName = '', password = ''] = process.argv.slice(2);
const PORT = 1723;
/** MPPE's two octets and the inner protocol field come off the MRU. */
const MPPE_OVERHEAD = 4;

const { dataPath, session } = gatewayOptions(loadConfig({ env: {} }).config);
const telemetry = silentTelemetry;
const tun = new LinuxTunDevice({ telemetry, log }, { interfaceName: 'peer%d' });
const peer = new PptpPeer(
  {
    clock: systemClock,
    random: systemRandom,
    log,
    telemetry,
    gre: new RawGreSocket({ telemetry, log }, {}),
    tun,
  },
  {
    local: address(local),
    server: address(server),
    gre: dataPath.gre,
    link: { ...session.link, authMethods: [msChapV2Method()], localName, password },
  },
);

peer.events$.subscribe((event) => {
  if (event.kind === 'up') {
    const { address: inner, gateway } = event.network;
    configureTun(tun.interfaceName, formatIpv4(inner), formatIpv4(gateway), session.link.mru - MPPE_OVERHEAD);
    console.log(JSON.stringify({ event: 'up', device: tun.interfaceName, gateway: formatIpv4(gateway) }));
  } else if (event.kind === 'call-closed') {
    console.error(`the call is closed: ${event.detail}`);
    process.exitCode = 1;
  }
});
process.once('SIGTERM', () => {
  void peer.stop().then(() => process.exit(0));
});

const socket = connect({ host: server, port: PORT, localAddress: local });
await once(socket, 'connect');
await peer.dial(socketPipe(socket));
