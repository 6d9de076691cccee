// A tunnel without a protocol, on the same devices: TUN packets go into IP protocol 47 as they are, and back. What it
// costs is what the devices and the event loop cost. `LOCAL REMOTE TUN-ADDRESS TUN-REMOTE`.
import { RawGreSocket } from '../../../plugins/io-raw-gre/index.ts';
import { LinuxTunDevice } from '../../../plugins/io-tun-linux/index.ts';
import { address, silentTelemetry as telemetry } from '../../support/batches.ts';
import { stderrLog as log } from './stderr-log.ts';
import { configureTun } from './tun-address.ts';

const [local = '', remote = '', inner = '', innerRemote = ''] = process.argv.slice(2);
const [source, destination] = [address(local), address(remote)];
const gre = new RawGreSocket({ telemetry, log }, {});
const tun = new LinuxTunDevice({ telemetry, log }, { interfaceName: 'plain%d' });

gre.batches$.subscribe((batch) => tun.write(batch));
tun.batches$.subscribe((batch) => {
  for (let at = 0; at < batch.count; at += 1) batch.outerEndpoints(batch.order[at] ?? 0, source, destination);
  gre.write(batch);
});
process.once('SIGTERM', () => process.exit(0));

const { signal } = new AbortController();
await tun.start(signal);
await gre.start(signal);
configureTun(tun.interfaceName, inner, innerRemote, 1396);
console.log(JSON.stringify({ event: 'up', device: tun.interfaceName }));
