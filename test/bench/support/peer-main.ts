// Our own PPTP client on real devices, with the drivers that `dial` has: `SERVER LOCAL USER PASSWORD`. Prints a line of JSON when the tunnel is up.
import 'reflect-metadata';
import { once } from 'node:events';
import { connect } from 'node:net';
import { loadConfig } from '../../../config/load.ts';
import { formatIpv4 } from '../../../core/bytes/ipv4-address.ts';
import { clientOptions, PptpClient } from '../../../gateway/dial/pptp-client.ts';
import { clientPlugins } from '../../../gateway/dial/run-dial.ts';
import { gatewayOptions } from '../../../gateway/options.ts';
import { systemClock, systemRandom } from '../../../gateway/system-clock.ts';
import { socketPipe } from '../../../plugins/control-pptp/index.ts';
import { address, silentTelemetry } from '../../support/batches.ts';
import { stderrLog as log } from './stderr-log.ts';
import { configureTun } from './tun-address.ts';

const [server = '', local = '', localName = '', password = ''] = process.argv.slice(2);
const PORT = 1723;
/** MPPE's two octets and the inner protocol field come off the MRU. */
const MPPE_OVERHEAD = 4;

const account = { userName: localName, password };
const { config } = loadConfig({ env: {} });
const options = clientOptions(gatewayOptions(config), account);
const telemetry = silentTelemetry;
const socket = connect({ host: server, port: PORT, localAddress: local });
await once(socket, 'connect');
const peer = new PptpClient(
  { clock: systemClock, random: systemRandom, log, telemetry },
  options,
  clientPlugins({ ...config, tun: { ...config.tun, name: 'peer%d' } }),
  { pipe: socketPipe(socket), ends: { local: address(local), peer: address(server), peerName: server } },
);

peer.events$.subscribe((event) => {
  if (event.kind === 'up') {
    const { address: inner, gateway } = event.network;
    configureTun(peer.tunName, formatIpv4(inner), formatIpv4(gateway), options.session.link.mru - MPPE_OVERHEAD);
    console.log(JSON.stringify({ event: 'up', device: peer.tunName, gateway: formatIpv4(gateway) }));
  } else if (event.kind === 'call-closed') {
    console.error(`the call is closed: ${event.detail}`);
    process.exitCode = 1;
  }
});
process.once('SIGTERM', () => {
  void peer.stop().then(() => process.exit(0));
});

await peer.start();
