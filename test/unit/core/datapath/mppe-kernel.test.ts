import { describe, expect, test } from 'vitest';
import { MppeSessionKey } from '../../../../core/crypto/mppe-keys.ts';
import { type MppeKernel, MppeWork } from '../../../../core/datapath/mppe-kernel.ts';
import { findKernelFault } from '../../../../core/datapath/mppe-kernel-check.ts';
import { typescriptKernel } from '../../../../core/datapath/mppe-kernel-typescript.ts';
import { setEncryption } from '../../../../core/datapath/mppe-state.ts';
import { MppeStage } from '../../../../core/datapath/stages/mppe.stage.ts';
import { address, batchOf, livePackets, openSession, run } from '../../../support/batches.ts';
import { ipv4Packet } from '../../../support/ipv4-packets.ts';

const OURS = new Uint8Array(16).fill(1);
const THEIRS = new Uint8Array(16).fill(2);
const PACKET = ipv4Packet({ source: address('10.0.0.1'), destination: address('10.0.0.2') });
const USER = 0x21;
const MPPE = 0xfd;

/** A kernel that fails on demand. */
class Fragile implements MppeKernel {
  readonly name = 'fragile';
  fails = false;
  packets: number[] = [];

  run(work: MppeWork): void {
    if (this.fails) throw new Error('the kernel broke');
    this.packets.push(work.packetCount);
    typescriptKernel.run(work);
  }
}

const setUp = () => {
  const kernel = new Fragile();
  const events: string[] = [];
  const stage = new MppeStage(
    { onGarbage: () => events.push('garbage'), onResetNeeded: () => events.push('reset') },
    { clearAllowed: true, kernel },
  );
  const near = openSession([stage], { local: 1 });
  const far = openSession([stage], { local: 2 });
  setEncryption(near, { strength: 128, stateless: true, keys: { send: OURS, receive: THEIRS } });
  setEncryption(far, { strength: 128, stateless: true, keys: { send: THEIRS, receive: OURS } });
  const send = (count: number) => {
    const batch = batchOf(
      Array.from({ length: count }, () => PACKET),
      { session: near, protocol: USER },
    );
    return { batch, drops: run(stage.outbound, batch, 'out') };
  };
  const receive = (packets: readonly Uint8Array[]) => {
    const batch = batchOf(packets, { session: far, protocol: MPPE });
    return { batch, drops: run(stage.inbound, batch, 'in') };
  };
  return { kernel, events, send, receive };
};

describe('a kernel under the stage', () => {
  test('gets all packets of a batch at once, at most 64 of them', () => {
    const { kernel, send, receive } = setUp();
    const sent = send(100);
    expect(receive(livePackets(sent.batch)).batch.count).toBe(100);
    expect(kernel.packets).toEqual([64, 36, 64, 36]);
  });

  test('that throws on the way out costs its packets: none goes in the clear, and later ones arrive', () => {
    const { kernel, events, send, receive } = setUp();
    expect(receive(livePackets(send(3).batch)).batch.count).toBe(3);
    kernel.fails = true;
    const failed = send(5);
    expect(failed.batch.count).toBe(0);
    expect(failed.drops).toEqual({ 'stage-fault': 5 });
    kernel.fails = false;
    expect(livePackets(receive(livePackets(send(4).batch)).batch)).toEqual([PACKET, PACKET, PACKET, PACKET]);
    expect(events).toEqual([]);
  });

  test('that throws on the way in costs its packets as if they had been lost', () => {
    const { kernel, events, send, receive } = setUp();
    const sent = livePackets(send(6).batch);
    kernel.fails = true;
    expect(receive(sent.slice(0, 4)).drops).toEqual({ 'stage-fault': 4 });
    kernel.fails = false;
    expect(livePackets(receive(sent.slice(4)).batch)).toEqual([PACKET, PACKET]);
    expect(livePackets(receive(livePackets(send(2).batch)).batch)).toEqual([PACKET, PACKET]);
    expect(events).toEqual([]);
  });
});

describe('findKernelFault', () => {
  test('finds none in the kernel in TypeScript', () => expect(findKernelFault(typescriptKernel)).toBe(undefined));

  const broken: [string, MppeKernel['run']][] = [
    ['does nothing', () => undefined],
    [
      'forgets the last packet of three',
      (work) => {
        if (work.packetCount % 4 === 3) work.packetCount -= 1;
        typescriptKernel.run(work);
      },
    ],
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
  ];
  test.each(broken)('finds one that %s', (name, runIt) => {
    expect(findKernelFault({ name, run: runIt })).toMatch(/^(it threw: no|its packets differ)/);
  });
});

test('a work of 40, 56 and 128 bits: each packet under the next key of its stream, which is noted', () => {
  const strengths = [40, 56, 128] as const;
  const keys = strengths.map((strength) => new MppeSessionKey(OURS, strength));
  const work = new MppeWork(9);
  work.slab = new Uint8Array(9 * 8);
  for (let at = 0; at < 9; at += 1) work.add(keys[at % 3] as MppeSessionKey, 8 * at, 8);
  expect([work.isFull, work.streamCount]).toEqual([true, 3]);
  typescriptKernel.run(work);
  for (let at = 0; at < 9; at += 1) {
    const key = keys[at % 3] as MppeSessionKey;
    key.change();
    const noted = work.keys.slice(16 * at, 16 * at + 16);
    expect(noted).toEqual(key.key.length === 16 ? key.key : Uint8Array.of(...key.key, ...key.key));
  }
  const other = new MppeSessionKey(THEIRS, 56);
  other.load(work.keys, 16 * 7);
  expect(other.key).toEqual(keys[1]?.key);
  work.clear();
  expect([work.packetCount, work.streamCount, work.isFull]).toEqual([0, 0, false]);
});
