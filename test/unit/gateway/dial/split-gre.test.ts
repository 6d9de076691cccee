import { beforeEach, describe, expect, it } from 'vitest';
import type { PacketBatch } from '../../../../core/datapath/packet-batch.ts';
import { RandomCallIds } from '../../../../core/machine/call-ids.ts';
import { instant } from '../../../../core/time.ts';
import { type GreBranch, SplitGre } from '../../../../gateway/dial/split-gre.ts';
import { memoryGrePair } from '../../../../plugins/io-memory/index.ts';
import { batchOf, LOCAL, livePackets, PEER } from '../../../support/batches.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const notAborted = { aborted: false, addEventListener: (): void => undefined };

/** The start of a GRE packet with that Call ID, and a mark. */
const packet = (callId: number, mark = 0): Uint8Array =>
  Uint8Array.of(0x20, 0x01, 0x88, 0x0b, 0, 0, callId >> 8, callId & 0xff, mark);

describe('one GRE socket for a gateway that also dials', () => {
  const deferred: (() => void)[] = [];
  const ids = new RandomCallIds({ random: seededRandom(3), now: () => instant(0) });
  let far: ReturnType<typeof memoryGrePair>[0];
  let near: ReturnType<typeof memoryGrePair>[1];
  let split: SplitGre;
  let branch: GreBranch;
  let rest: { packets: Uint8Array[]; from: number[] };
  let own: { packets: Uint8Array[]; from: number[] };

  beforeEach(async () => {
    deferred.length = 0;
    [far, near] = memoryGrePair(PEER, LOCAL, { defer: (task) => deferred.push(task) });
    split = new SplitGre(near);
    branch = split.branch(ids);
    rest = { packets: [], from: [] };
    own = { packets: [], from: [] };
    const keep = (into: typeof rest) => (batch: PacketBatch) => {
      into.packets.push(...livePackets(batch));
      for (let at = 0; at < batch.count; at += 1) {
        const index = batch.order[at] ?? 0;
        into.from.push(batch.outerSource[index] ?? 0, batch.outerDestination[index] ?? 0);
      }
    };
    split.batches$.subscribe({ next: keep(rest), error: () => undefined });
    branch.gre.batches$.subscribe(keep(own));
    await far.start(notAborted);
    await split.start(notAborted);
    await branch.gre.start(notAborted);
  });

  const arrive = (...packets: readonly Uint8Array[]): void => {
    far.write(batchOf(packets));
    for (let task = deferred.shift(); task !== undefined; task = deferred.shift()) task();
  };
  const allocate = (): number => {
    const id = branch.callIds.allocate();
    if (id === undefined) throw new Error('no Call ID');
    return id;
  };

  it('gives each side its packets, in order, with their addresses, and no side the other’s', () => {
    const id = allocate();
    const other = id === 1 ? 2 : 1;
    arrive(packet(other, 1), packet(id, 2), packet(id, 3), packet(other, 4), packet(id, 5));
    expect(rest.packets).toEqual([packet(other, 1), packet(other, 4)]);
    expect(own.packets).toEqual([packet(id, 2), packet(id, 3), packet(id, 5)]);
    expect(own.from).toEqual([PEER, LOCAL, PEER, LOCAL, PEER, LOCAL]);
  });

  it('leaves alone what names no call: the gateway counts it', () => {
    const id = allocate();
    const short = packet(id).subarray(0, 7);
    arrive(short, new Uint8Array(0));
    expect(rest.packets).toHaveLength(2);
    expect(own.packets).toEqual([]);
  });

  it('has a Call ID back when the call is over', () => {
    const id = branch.callIds.allocate();
    if (id === undefined) throw new Error('no Call ID');
    branch.callIds.release(id);
    arrive(packet(id, 7));
    expect([rest.packets, own.packets]).toEqual([[packet(id, 7)], []]);
  });

  it('keeps two branches apart', () => {
    const second = split.branch(ids);
    const theirs: PacketBatch[] = [];
    second.gre.batches$.subscribe((batch) => theirs.push(batch));
    const id = allocate();
    expect(second.callIds.allocate()).not.toBe(id);
    arrive(packet(id));
    expect(own.packets).toEqual([packet(id)]);
    expect(theirs).toEqual([]);
  });

  it('writes through while the branch runs; the end of a branch is not the end of the socket', async () => {
    expect(branch.gre.write(batchOf([packet(9)]))).toBe(1);
    const id = allocate();
    await branch.gre.stop();
    expect(branch.gre.write(batchOf([packet(9)]))).toBe(0);
    arrive(packet(id));
    // What was written had this host's own address as its destination.
    expect([rest.packets, own.packets]).toEqual([[packet(9)], []]);
    expect(split.write(batchOf([packet(9)]))).toBe(1);
    expect(near.isRunning).toBe(true);
  });

  it('tells the gateway when the socket dies', () => {
    let cause: unknown;
    split.batches$.subscribe({
      error: (error) => {
        cause = error;
      },
    });
    near.fail('cable cut');
    expect(cause).toBe('cable cut');
  });
});
