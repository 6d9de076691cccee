import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { PacketBatch } from '../../../core/datapath/packet-batch.ts';
import { LinuxTunDevice } from '../../../plugins/io-tun-linux/linux-tun-device.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { MemoryTelemetry } from '../../support/memory-telemetry.ts';
import { isSix, transportFault } from '../../support/transport-packets.ts';

/** The other namespace: one device of the pair is moved there. */
const FAR = process.env['PPTP_TEST_FAR'] ?? '';
const TRANSFER = fileURLToPath(new URL('transfer.mjs', import.meta.url));
const MTU = 1400;
const notAborted = { aborted: false, addEventListener: (): void => undefined };
type Side = 'near' | 'far';
type Setting = 'auto' | 'off';

const within = (side: Side, ...command: readonly string[]): readonly string[] =>
  side === 'near' ? command : ['ip', 'netns', 'exec', FAR, ...command];
const run = (side: Side, ...command: readonly string[]): string => {
  const [program = '', ...args] = within(side, ...command);
  return execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe' });
};

/** Two devices, each in its namespace, and a wire of batches between them on which every packet is looked at. */
class Wire {
  readonly devices: Record<Side, LinuxTunDevice>;
  readonly faults: string[] = [];
  readonly seen: Record<Side, number> = { near: 0, far: 0 };
  readonly logs: Record<Side, MemoryLog> = { near: new MemoryLog(), far: new MemoryLog() };

  constructor(near: Setting, far: Setting) {
    const device = (side: Side, offloads: Setting): LinuxTunDevice =>
      new LinuxTunDevice(
        { telemetry: new MemoryTelemetry(), log: this.logs[side] },
        { interfaceName: `pgt${side}`, offloads },
      );
    this.devices = { near: device('near', near), far: device('far', far) };
  }

  async start(): Promise<void> {
    const { near, far } = this.devices;
    await near.start(notAborted);
    await far.start(notAborted);
    execFileSync('ip', ['link', 'set', far.interfaceName, 'netns', FAR]);
    this.up('near', near.interfaceName, 1);
    this.up('far', far.interfaceName, 2);
    near.batches$.subscribe((batch) => this.pass(batch, 'near', far));
    far.batches$.subscribe((batch) => this.pass(batch, 'far', near));
  }

  async stop(): Promise<void> {
    await this.devices.near.stop();
    await this.devices.far.stop();
  }

  /** Packets of the kernel as its own counters have them: large ones are one. */
  kernelPackets(side: Side, direction: 'rx' | 'tx'): number {
    const path = `/sys/class/net/${this.devices[side].interfaceName}/statistics/${direction}_packets`;
    return Number(side === 'near' ? readFileSync(path, 'utf8') : run('far', 'cat', path));
  }

  private up(side: Side, device: string, host: number): void {
    run(side, 'ip', 'address', 'add', `10.203.0.${host}/24`, 'dev', device);
    run(side, 'ip', 'address', 'add', `fd03::${host}/64`, 'dev', device, 'nodad');
    run(side, 'ip', 'link', 'set', device, 'mtu', String(MTU), 'txqueuelen', '1000', 'up');
  }

  private pass(batch: PacketBatch, side: Side, to: LinuxTunDevice): void {
    for (let at = 0; at < batch.count; at += 1) {
      const packet = batch.view(batch.order[at] ?? 0);
      const protocol = packet[isSix(packet) ? 6 : 9];
      if (protocol !== 6 && protocol !== 17) continue;
      this.seen[side] += 1;
      const fault = packet.length > MTU ? `${packet.length} octets` : transportFault(packet);
      if (fault !== undefined) this.faults.push(fault);
    }
    to.write(batch);
  }
}

interface End {
  readonly child: ChildProcess;
  /** The next line it prints. */
  next(): Promise<unknown>;
}

const end = (side: Side, ...command: readonly string[]): End => {
  const [program = '', ...args] = within(side, ...command);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, next: async () => JSON.parse((await lines.next()).value ?? 'null') };
};
const transfer = (side: Side, mode: string, address: string, size: number): End =>
  end(side, process.execPath, TRANSFER, mode, address, '4321', String(size));

const addresses: Record<'IPv4' | 'IPv6', Record<Side, string>> = {
  IPv4: { near: '10.203.0.1', far: '10.203.0.2' },
  IPv6: { near: 'fd03::1', far: 'fd03::2' },
};
const other = (side: Side): Side => (side === 'near' ? 'far' : 'near');
const MEGABYTES_8 = 8 * 1024 * 1024;

const pairs: readonly (readonly [Setting, Setting])[] = [
  ['auto', 'auto'],
  ['auto', 'off'],
  ['off', 'auto'],
];
const python = (() => {
  try {
    return execFileSync('python3', ['-V'], { encoding: 'utf8' });
  } catch {
    return undefined;
  }
})();

describe.each(pairs)('a wire from offloads=%s to offloads=%s', (near, far) => {
  let wire: Wire;
  const start = async (): Promise<void> => {
    wire = new Wire(near, far);
    await wire.start();
  };
  afterEach(() => wire.stop());
  /** Whether the side exchanges large packets of the protocol with its kernel. */
  const has = (side: Side, protocol: 'tcp' | 'udp'): boolean =>
    String(wire.logs[side].lines.find(({ event }) => event === 'tun.open')?.fields['offloads']).includes(protocol);

  it.each([
    ['IPv4', 'near'],
    ['IPv4', 'far'],
    ['IPv6', 'near'],
    ['IPv6', 'far'],
  ] as const)('carries 8 MB by TCP over %s from %s, whole', async (version, from) => {
    await start();
    const address = addresses[version][other(from)];
    const taker = transfer(other(from), 'tcp-take', address, 0);
    expect(await taker.next()).toEqual({ ready: true });
    const giver = transfer(from, 'tcp-give', address, MEGABYTES_8);
    const [given, taken] = [await giver.next(), await taker.next()];
    expect(taken).toEqual(given);
    expect(taken).toMatchObject({ octets: MEGABYTES_8 });
    expect(wire.faults).toEqual([]);
    const packets = wire.seen[from];
    expect(packets).toBeGreaterThanOrEqual(MEGABYTES_8 / MTU);
    if (has(from, 'tcp')) expect(wire.kernelPackets(from, 'tx')).toBeLessThan(packets / 2);
    if (has(other(from), 'tcp')) expect(wire.kernelPackets(other(from), 'rx')).toBeLessThan(packets / 2);
  });

  it.each([
    ['IPv4', 'near'],
    ['IPv6', 'far'],
  ] as const)('carries bursts of UDP over %s from %s, datagram by datagram', async (version, from) => {
    await start();
    const address = addresses[version][other(from)];
    const taker = transfer(other(from), 'udp-take', address, 0);
    expect(await taker.next()).toEqual({ ready: true });
    const giver = transfer(from, 'udp-give', address, 40);
    expect(await giver.next()).toEqual({ bursts: 40 });
    expect(wire.faults).toEqual([]);
    if (has(other(from), 'udp')) expect(wire.kernelPackets(other(from), 'rx')).toBeLessThan(wire.seen[from]);
  });

  it.skipIf(python === undefined).each(['IPv4', 'IPv6'] as const)(
    'cuts what a program sends with UDP_SEGMENT over %s, and joins it again',
    async (version) => {
      await start();
      const address = addresses[version].far;
      const taker = transfer('far', 'udp-count', address, 33);
      expect(await taker.next()).toEqual({ ready: true });
      // Not random, so that both ends know it; 32 datagrams of 1200 octets and one of 55.
      const data = Buffer.from(Array.from({ length: 32 * 1200 + 55 }, (_, i) => (i * 31 + (i >> 8)) & 0xff));
      const family = version === 'IPv4' ? 'AF_INET' : 'AF_INET6';
      const script = `import socket
s = socket.socket(socket.${family}, socket.SOCK_DGRAM)
s.setsockopt(17, 103, 1200)
s.sendto(bytes((i * 31 + (i >> 8)) & 255 for i in range(${data.length})), ('${address}', 4321))`;
      const giver = end('near', 'python3', '-c', script);
      await once(giver.child, 'close');
      expect(await taker.next()).toEqual({
        lengths: [...Array.from({ length: 32 }, () => 1200), 55],
        digest: createHash('sha256').update(data).digest('hex'),
      });
      expect(wire.faults).toEqual([]);
      expect(wire.seen.near).toBe(33);
      if (has('near', 'udp')) expect(wire.kernelPackets('near', 'tx')).toBeLessThan(33);
      if (has('far', 'udp')) expect(wire.kernelPackets('far', 'rx')).toBeLessThan(33);
    },
  );
});
