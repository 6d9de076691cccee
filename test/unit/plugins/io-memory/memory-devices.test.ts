import { describe, expect, it } from 'vitest';
import { MemoryGreNetwork, memoryGrePair } from '../../../../plugins/io-memory/memory-gre-socket.ts';
import { MemoryTunDevice } from '../../../../plugins/io-memory/memory-tun-device.ts';
import { batchOf, LOCAL, livePackets, PEER } from '../../../support/batches.ts';

const notAborted = { aborted: false, addEventListener: (): void => undefined };
const packet = (tag: number): Uint8Array => new Uint8Array(30).fill(tag);

describe('in-memory GRE', () => {
  it('accepts a prefix when the receiver is full, and goes on when it has room again', async () => {
    const later: (() => void)[] = [];
    const [near, far] = memoryGrePair(PEER, LOCAL, { capacity: 3, defer: (task) => later.push(task) });
    await near.start(notAborted);
    await far.start(notAborted);
    const arrived: Uint8Array[] = [];
    far.batches$.subscribe((batch) => arrived.push(...livePackets(batch)));
    expect(near.write(batchOf([1, 2, 3, 4, 5].map(packet)))).toBe(3);
    expect(arrived).toEqual([]);
    later.shift()?.();
    expect(arrived).toEqual([1, 2, 3].map(packet));
    expect(near.write(batchOf([packet(4)]))).toBe(1);
  });

  it('loses what is addressed to nobody, as a network does', async () => {
    const socket = new MemoryGreNetwork().attach(PEER);
    await socket.start(notAborted);
    expect(socket.write(batchOf([packet(1)]))).toBe(1);
  });

  it('dies when told to', async () => {
    const [near] = memoryGrePair(PEER, LOCAL);
    await near.start(notAborted);
    let cause: unknown;
    near.batches$.subscribe({
      error: (error) => {
        cause = error;
      },
    });
    near.fail('cable cut');
    expect(cause).toBe('cable cut');
    expect(near.write(batchOf([packet(1)]))).toBe(0);
  });
});

describe('in-memory TUN', () => {
  it('refuses in both directions when full', async () => {
    const tun = new MemoryTunDevice({ capacity: 2, defer: () => undefined });
    await tun.start(notAborted);
    expect([1, 2, 3].map((tag) => tun.hostSends(packet(tag)))).toEqual([true, true, false]);
    expect(tun.write(batchOf([1, 2, 3].map(packet)))).toBe(2);
    expect([tun.hostReceives(), tun.hostReceives(), tun.hostReceives()]).toEqual([packet(1), packet(2), undefined]);
  });

  it('takes nothing before start', () => {
    const tun = new MemoryTunDevice();
    expect(tun.hostSends(packet(1))).toBe(false);
    expect(tun.write(batchOf([packet(1)]))).toBe(0);
  });
});
