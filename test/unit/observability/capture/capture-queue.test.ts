import { describe, expect, it } from 'vitest';
import { CaptureQueue } from '../../../../observability/capture/capture-queue.ts';

const ROOM_FOR_THREE = 3 * 300;

const packet = (point: number, packetId: number) => ({
  point,
  packetId,
  time: packetId,
  direction: 'in' as const,
  bytes: new Uint8Array(100),
  originalLength: 100,
});

const offer = (queue: CaptureQueue, point: number, packetId: number): boolean => {
  if (!queue.admits(point, 100)) return false;
  queue.put(packet(point, packetId));
  return true;
};

describe('between the data path and a slow reader', () => {
  it('takes what has room, counts the rest, and says on the next packet how many are missing', () => {
    const queue = new CaptureQueue(2, ROOM_FOR_THREE, Number.POSITIVE_INFINITY);
    expect([1, 2, 3, 4, 5].map((id) => offer(queue, 0, id))).toEqual([true, true, true, false, false]);
    expect(queue.take(1).map(({ packetId }) => packetId)).toEqual([1]);
    expect(offer(queue, 1, 6)).toBe(true);
    expect(queue.take(10_000).map(({ packetId }) => packetId)).toEqual([2, 3, 6]);
    offer(queue, 0, 7);
    offer(queue, 0, 8);
    const rest = queue.take(10_000);
    expect(rest.map(({ packetId, lostBefore }) => [packetId, lostBefore])).toEqual([
      [7, 2],
      [8, 0],
    ]);
    expect(queue.points).toMatchObject([
      { seen: 7, lost: 2, written: 5 },
      { seen: 1, lost: 0, written: 1 },
    ]);
    expect(queue.length).toBe(0);
  });

  it('is complete after the packets that were asked for, and takes no more', () => {
    const queue = new CaptureQueue(1, ROOM_FOR_THREE, 2);
    expect([1, 2, 3].map((id) => offer(queue, 0, id))).toEqual([true, true, false]);
    expect(queue.isComplete).toBe(true);
    expect(queue.points).toMatchObject([{ seen: 2, lost: 0 }]);
  });

  it('counts what the gateway dropped behind each point', () => {
    const queue = new CaptureQueue(2, ROOM_FOR_THREE, 2);
    queue.noteDrop(1, 'address', 'spoofed-source');
    queue.noteDrop(1, 'address', 'spoofed-source');
    queue.noteDrop(1, 'mppe', 'decrypt-failed');
    expect(queue.points.map(({ drops }) => [...drops])).toEqual([
      [],
      [
        ['address spoofed-source', 2],
        ['mppe decrypt-failed', 1],
      ],
    ]);
  });
});
