import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PacketBatch } from '../../../core/datapath/packet-batch.ts';
import { LinuxTunDevice } from '../../../plugins/io-tun-linux/linux-tun-device.ts';
import { tunDeviceContract } from '../../../testing/contract/packet-io.ts';
import { runContract } from '../../../testing/suite.ts';
import { address } from '../../support/batches.ts';
import { ipv4Packet } from '../../support/ipv4-packets.ts';
import { MemoryTelemetry } from '../../support/memory-telemetry.ts';
import { RawIp } from '../../support/raw-ip.ts';

const HOST = address('10.202.0.1');
const CLIENT = address('10.202.0.2');
const notAborted = { aborted: false, addEventListener: (): void => undefined };
const ip = (...args: readonly string[]): string => execFileSync('ip', [...args], { encoding: 'utf8', stdio: 'pipe' });

/** Packets that the kernel has taken from a device. */
const receivedBy = (name: string): number =>
  Number(/RX:.*\n\s*\d+\s+(\d+)/.exec(ip('-s', 'link', 'show', name))?.[1] ?? Number.NaN);

type Setting = 'auto' | 'off';

const up = async (offloads: Setting, telemetry = new MemoryTelemetry()): Promise<LinuxTunDevice> => {
  const tun = new LinuxTunDevice({ telemetry }, { interfaceName: 'pgt%d', offloads });
  await tun.start(notAborted);
  // Or the kernel's own IPv6 packets come in between.
  writeFileSync(`/proc/sys/net/ipv6/conf/${tun.interfaceName}/disable_ipv6`, '1');
  ip('address', 'add', '10.202.0.1/24', 'dev', tun.interfaceName);
  ip('link', 'set', tun.interfaceName, 'mtu', '1400', 'up');
  return tun;
};

const packet = (tag: number, length: number, fromHost: boolean): Uint8Array =>
  ipv4Packet({
    source: fromHost ? HOST : CLIENT,
    destination: fromHost ? CLIENT : HOST,
    identification: tag + 1,
    payload: new Uint8Array(length - 20).fill(tag),
  });

for (const offloads of ['auto', 'off'] as const) {
  runContract(
    tunDeviceContract(`io-tun-linux, offloads=${offloads}`, async () => {
      const tun = await up(offloads);
      const host = new RawIp();
      return {
        tun,
        fromHost: (tag, length) => packet(tag, length, true),
        toHost: (tag, length) => packet(tag, length, false),
        hostSends: (bytes) => host.send(bytes),
        hostReceives: () => host.next(),
        teardown: async () => host.close(),
      };
    }),
    { describe, it },
  );
}

describe.each(['auto', 'off'] as const)('io-tun-linux on a real kernel, offloads=%s', (offloads) => {
  it('takes the name the kernel chose, and the interface goes with it', async () => {
    const tun = await up(offloads);
    expect(tun.interfaceName).toBe('pgt0');
    expect(ip('link', 'show', 'pgt0')).toContain('mtu 1400');
    await tun.stop();
    expect(() => ip('link', 'show', 'pgt0')).toThrow('does not exist');
  });

  it('says that a name is in use', async () => {
    const tun = await up(offloads);
    const second = new LinuxTunDevice(
      { telemetry: new MemoryTelemetry() },
      { interfaceName: tun.interfaceName, offloads },
    );
    await expect(second.start(notAborted)).rejects.toMatchObject({ code: 'TUN_BUSY' });
    const taken = new LinuxTunDevice({ telemetry: new MemoryTelemetry() }, { interfaceName: 'lo', offloads });
    await expect(taken.start(notAborted)).rejects.toMatchObject({ code: 'TUN_BUSY' });
    await tun.stop();
  });

  it('counts what is no IP packet as refused and writes the rest', async () => {
    const telemetry = new MemoryTelemetry();
    const tun = await up(offloads, telemetry);
    const before = receivedBy(tun.interfaceName);
    const batch = new PacketBatch(3);
    batch.append(packet(1, 60, false));
    batch.append(new Uint8Array(40));
    batch.append(packet(2, 60, false));
    expect(tun.write(batch)).toBe(3);
    expect(telemetry.drops).toEqual(new Map([['tun in device-refused', 1]]));
    // By the kernel's count: what arrives at a host, and whole, is for the contract.
    expect(receivedBy(tun.interfaceName) - before).toBe(2);
    await tun.stop();
  });

  it('reports on its stream that the interface was removed', async () => {
    const tun = await up(offloads);
    const died = new Promise<unknown>((resolve) => tun.batches$.subscribe({ error: resolve }));
    ip('link', 'del', tun.interfaceName);
    const batch = new PacketBatch(1);
    batch.append(packet(1, 60, false));
    tun.write(batch);
    expect(await died).toMatchObject({ code: 'TUN_MISSING' });
    await tun.stop();
  });
});
