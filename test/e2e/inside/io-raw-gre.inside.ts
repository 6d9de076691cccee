import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { PacketBatch } from '../../../core/datapath/packet-batch.ts';
import { RawGreSocket } from '../../../plugins/io-raw-gre/raw-gre-socket.ts';
import { greSocketContract } from '../../contract/packet-io.ts';
import { address } from '../../support/batches.ts';
import { MemoryTelemetry } from '../../support/memory-telemetry.ts';
import { TS_HOOK } from '../../support/netns.ts';

/** On lo, 10.200.0.1 to .3; on the veth to a namespace with a peer, see io-raw-gre.test.ts. */
const NEAR = address('10.200.0.1');
const CALLED = address('10.200.0.2');
const FAR = address('10.200.0.3');
const notAborted = { aborted: false, addEventListener: (): void => undefined };

for (const name of ['10.200.0.1', '10.200.0.2', '10.200.0.3']) {
  execFileSync('ip', ['address', 'replace', `${name}/32`, 'dev', 'lo']);
}

const open = (listen: string, telemetry = new MemoryTelemetry()): RawGreSocket =>
  new RawGreSocket({ telemetry }, { listen: address(listen) });

greSocketContract('io-raw-gre', async () => ({
  // Both sockets see all GRE of the namespace: `near` takes that to any address, as a gateway does.
  near: open('0.0.0.0'),
  far: open('10.200.0.3'),
  nearAddresses: [NEAR, CALLED],
  farAddress: FAR,
  teardown: async () => undefined,
}));

const batchTo = (destination: string, source: string, ...packets: readonly Uint8Array[]): PacketBatch => {
  const batch = new PacketBatch(packets.length);
  for (const packet of packets) batch.outerEndpoints(batch.append(packet), address(source), address(destination));
  return batch;
};

describe('io-raw-gre on a real kernel', () => {
  it('answers from the secondary address a peer on another host called (R38)', async () => {
    const socket = open('0.0.0.0');
    await socket.start(notAborted);
    socket.batches$.subscribe((batch) => {
      for (let at = 0; at < batch.count; at += 1) {
        const index = batch.order[at] ?? 0;
        batch.outerEndpoints(index, address('10.201.0.2'), address('10.201.0.9'));
      }
      socket.write(batch);
    });
    const peer = process.env['PEER_NETNS'] ?? '';
    const script = new URL('../peers/gre-caller.mjs', import.meta.url).pathname;
    const { stdout } = await promisify(execFile)('ip', ['netns', 'exec', peer, process.execPath, script, '10.201.0.2']);
    expect(JSON.parse(stdout)).toEqual({ source: '10.201.0.2', destination: '10.201.0.9', payload: 'hello' });
    await socket.stop();
  });

  it('counts a packet that the outer path cannot take as too-big and sends the rest', async () => {
    const telemetry = new MemoryTelemetry();
    const socket = open('0.0.0.0', telemetry);
    await socket.start(notAborted);
    // The veth has an MTU of 1500.
    const written = socket.write(
      batchTo('10.201.0.9', '10.201.0.1', new Uint8Array(60), new Uint8Array(1500), new Uint8Array(60)),
    );
    expect(written).toBe(3);
    expect(telemetry.drops).toEqual(new Map([['gre-socket out too-big', 1]]));
    await socket.stop();
  });

  it('counts a packet without a route as refused and lives on', async () => {
    const telemetry = new MemoryTelemetry();
    const socket = open('0.0.0.0', telemetry);
    await socket.start(notAborted);
    expect(socket.write(batchTo('192.0.2.77', '10.201.0.1', new Uint8Array(60)))).toBe(1);
    expect(telemetry.drops).toEqual(new Map([['gre-socket out device-refused', 1]]));
    expect(socket.write(batchTo('10.200.0.3', '10.200.0.1', new Uint8Array(60)))).toBe(1);
    expect(telemetry.drops.size).toBe(1);
    await socket.stop();
  });

  it('does not open the socket again when it is used after stop', async () => {
    const sockets = (): number =>
      execFileSync('cat', ['/proc/net/raw'], { encoding: 'utf8' }).trim().split('\n').length - 1;
    const before = sockets();
    const socket = open('0.0.0.0');
    await socket.start(notAborted);
    expect(sockets()).toBe(before + 1);
    await socket.stop();
    expect(socket.write(batchTo('10.200.0.3', '10.200.0.1', new Uint8Array(60)))).toBe(0);
    expect(sockets()).toBe(before);
  });

  it('survives garbage collection while nobody else holds it', async () => {
    const script = new URL('../peers/gre-under-gc.ts', import.meta.url).pathname;
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--import', TS_HOOK, script]);
    expect(stdout.trim()).toBe('2000');
  });
});
