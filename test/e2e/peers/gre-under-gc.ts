// Prints how many of 2000 packets arrived on a socket that only the event loop knows, with a collection between batches.
import { ipv4 } from '../../../core/bytes/ipv4-address.ts';
import { PacketBatch } from '../../../core/datapath/packet-batch.ts';
import { driverNamed } from '../inside/gre-drivers.ts';

const TOTAL = 2000;
const LO = ipv4(0x7f000001);
const Driver = driverNamed(process.argv[2]);
const telemetry = { dropped: (): void => undefined };
const collect = (): void => {
  const gc: unknown = Reflect.get(globalThis, 'gc');
  if (typeof gc !== 'function') throw new Error('run me with --expose-gc');
  gc();
};

let arrived = 0;
let progress: () => void = () => undefined;
const receiver = async (): Promise<void> => {
  const socket = new Driver({ telemetry }, { listen: LO });
  socket.batches$.subscribe((batch) => {
    arrived += batch.count;
    progress();
  });
  await socket.start({ aborted: false, addEventListener: () => undefined });
};
await receiver();

const sender = new Driver({ telemetry }, { listen: ipv4(0x7f000002) });
await sender.start({ aborted: false, addEventListener: () => undefined });
const batch = new PacketBatch(50);
for (let i = 0; i < 50; i += 1) batch.outerEndpoints(batch.append(new Uint8Array(64)), LO, LO);

for (let sent = 0; sent < TOTAL; sent += 50) {
  collect();
  const reached = new Promise<void>((resolve) => {
    progress = () => {
      if (arrived >= sent + 50) resolve();
    };
  });
  sender.write(batch);
  // A collected receiver would never report: give up instead of hanging.
  await Promise.race([reached, new Promise((resolve) => setTimeout(resolve, 2000).unref())]);
  if (arrived < sent + 50) break;
}
console.log(arrived);
process.exit(0);
