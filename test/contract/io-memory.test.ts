import { describe, it } from 'vitest';
import { MemoryGreNetwork } from '../../plugins/io-memory/memory-gre-socket.ts';
import { MemoryTunDevice } from '../../plugins/io-memory/memory-tun-device.ts';
import { greSocketContract, tunDeviceContract } from '../../testing/contract/packet-io.ts';
import { runContract } from '../../testing/suite.ts';
import { address } from '../support/batches.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';

const NEAR = address('198.51.100.1');
const CALLED = address('198.51.100.2');
const FAR = address('203.0.113.9');
const HOST = address('10.99.0.1');
const CLIENT = address('10.99.0.2');

runContract(
  greSocketContract('io-memory', async () => {
    const network = new MemoryGreNetwork();
    return {
      near: network.attach(NEAR, CALLED),
      far: network.attach(FAR),
      nearAddresses: [NEAR, CALLED],
      farAddress: FAR,
      teardown: async () => undefined,
    };
  }),
  { describe, it },
);

runContract(
  tunDeviceContract('io-memory', async () => {
    const tun = new MemoryTunDevice();
    await tun.start({ aborted: false, addEventListener: () => undefined });
    const packet = (tag: number, length: number, out: boolean): Uint8Array =>
      ipv4Packet({
        source: out ? HOST : CLIENT,
        destination: out ? CLIENT : HOST,
        identification: tag + 1,
        payload: new Uint8Array(length - 20).fill(tag),
      });
    return {
      tun,
      fromHost: (tag, length) => packet(tag, length, true),
      toHost: (tag, length) => packet(tag, length, false),
      hostSends: (bytes) => {
        if (!tun.hostSends(bytes)) throw new Error('the device refused');
      },
      hostReceives: async () => {
        const bytes = tun.hostReceives();
        if (bytes === undefined) throw new Error('nothing was written');
        return bytes;
      },
      teardown: async () => undefined,
    };
  }),
  { describe, it },
);
