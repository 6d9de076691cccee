import { describe, expect, it } from 'vitest';
import { HEADROOM, PacketBatch, SLOT_SIZE } from '../../../../core/datapath/packet-batch.ts';
import { livePackets } from '../../../support/batches.ts';

const firsts = (batch: PacketBatch): number[] => livePackets(batch).map((bytes) => bytes[0] ?? -1);

describe('packet batch', () => {
  it('refuses more packets than it has slots, and packets that do not fit one', () => {
    const batch = new PacketBatch(1);
    expect(batch.append(new Uint8Array(SLOT_SIZE - HEADROOM + 1))).toBe(-1);
    expect(batch.append(new Uint8Array(SLOT_SIZE - HEADROOM))).toBe(0);
    expect(batch.append(Uint8Array.of(1))).toBe(-1);
  });

  it('inserts behind a position of the order', () => {
    const batch = new PacketBatch(8);
    for (const n of [1, 2, 3]) batch.append(Uint8Array.of(n));
    const index = batch.takeAfter(0, 1);
    batch.slab[batch.offset[index] ?? 0] = 9;
    expect(firsts(batch)).toEqual([1, 9, 2, 3]);
    batch.slab[batch.offset[batch.takeAfter(3, 1)] ?? 0] = 8;
    expect(firsts(batch)).toEqual([1, 9, 2, 3, 8]);
  });

  it('keeps slots taken by dropped packets taken until it is cleared', () => {
    const batch = new PacketBatch(2);
    batch.append(Uint8Array.of(1));
    batch.append(Uint8Array.of(2));
    batch.drop(0, 'late');
    batch.hold(1);
    const drops: unknown[] = [];
    batch.compact((reason, count) => drops.push([reason, count]));
    expect([batch.count, batch.free, drops]).toEqual([0, 0, [['late', 1]]]);
    batch.clear();
    expect(batch.free).toBe(2);
    batch.append(Uint8Array.of(3));
    expect(firsts(batch)).toEqual([3]);
  });
});
