import { describe, expect, it } from 'vitest';
import { memoryGrePair } from '../../../plugins/io-memory/memory-gre-socket.ts';
import { batchOf, LOCAL, livePackets, PEER } from '../../support/batches.ts';
import { type Faults, FaultyGreSocket } from '../../support/fault-io.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const notAborted = { aborted: false, addEventListener: (): void => undefined };
const TOTAL = 1000;

/** Sends packets 0 .. TOTAL-1 over a faulty path; `arrived` are their numbers as they come out. */
const path = async (faults: Faults) => {
  const clock = new ManualClock();
  const later: (() => void)[] = [];
  const [near, far] = memoryGrePair(PEER, LOCAL, { capacity: 2 * TOTAL, defer: (task) => later.push(task) });
  const faulty = new FaultyGreSocket(near, clock, faults);
  await faulty.start(notAborted);
  await far.start(notAborted);
  const arrived: number[] = [];
  far.batches$.subscribe((batch) => {
    for (const packet of livePackets(batch)) arrived.push(((packet[0] ?? 0) << 8) | (packet[1] ?? 0));
  });
  const deliver = (): void => {
    for (const task of later.splice(0)) task();
  };
  for (let i = 0; i < TOTAL; i += 1) expect(faulty.write(batchOf([new Uint8Array([i >> 8, i & 0xff])]))).toBe(1);
  faulty.flush();
  deliver();
  return { arrived, faulty, clock, deliver };
};
const everything = Array.from({ length: TOTAL }, (_, i) => i);

describe('faulty path', () => {
  it('without faults is a path', async () => {
    expect((await path({})).arrived).toEqual(everything);
  });

  it('loses some, in order', async () => {
    const { arrived, faulty } = await path({ loss: 0.1 });
    expect(faulty.counts.lost).toBeGreaterThan(50);
    expect(arrived).toHaveLength(TOTAL - faulty.counts.lost);
    expect(arrived).toEqual([...arrived].sort((a, b) => a - b));
  });

  it('duplicates some', async () => {
    const { arrived, faulty } = await path({ duplicate: 0.1 });
    expect(faulty.counts.duplicated).toBeGreaterThan(50);
    expect(arrived).toHaveLength(TOTAL + faulty.counts.duplicated);
    expect([...new Set(arrived)]).toEqual(everything);
  });

  it('reorders some and loses none', async () => {
    const { arrived, faulty } = await path({ reorder: 0.1 });
    expect(faulty.counts.reordered).toBeGreaterThan(50);
    expect(arrived).not.toEqual(everything);
    expect([...arrived].sort((a, b) => a - b)).toEqual(everything);
  });

  it('delays by the clock, and delivers nothing after stop', async () => {
    const { arrived, clock, deliver, faulty } = await path({ delayMs: 20 });
    clock.advance(19);
    deliver();
    expect(arrived).toEqual([]);
    clock.advance(1);
    deliver();
    expect(arrived).toEqual(everything);
    faulty.write(batchOf([new Uint8Array(2)]));
    await faulty.stop();
    expect(clock.scheduled).toBe(0);
  });

  it('does the same again for the same seed', async () => {
    const faults = { loss: 0.1, duplicate: 0.1, reorder: 0.1 };
    expect((await path({ ...faults, seed: 7 })).arrived).toEqual((await path({ ...faults, seed: 7 })).arrived);
    expect((await path({ ...faults, seed: 7 })).arrived).not.toEqual((await path({ ...faults, seed: 8 })).arrived);
  });
});
