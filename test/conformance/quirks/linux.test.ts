import { EMPTY } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../../core/bytes/ascii.ts';
import { fromHex, toHex } from '../../../core/bytes/hex.ts';
import { GRE_CHANNEL } from '../../../core/datapath/gre-channel.ts';
import { greStage } from '../../../core/datapath/stages/gre.stage.ts';
import { pppStage } from '../../../core/datapath/stages/ppp.stage.ts';
import { SequenceStage } from '../../../core/datapath/stages/sequence.stage.ts';
import { batchOf, livePackets, openSession, run } from '../../support/batches.ts';
import { grePacket } from '../../support/gre-packets.ts';

/** GRE decode and sequence of one call. */
const bench = () => {
  const sequence = new SequenceStage({ wake: () => undefined }, { window: 32, timeoutMs: 300, ackDelayMs: 100 }, EMPTY);
  const session = openSession([sequence]);
  return {
    session,
    /** The numbers that were delivered, one packet in a batch of its own. */
    receive: (numbers: readonly number[]): { delivered: number[]; drops: string[] } => {
      const delivered: number[] = [];
      const drops: string[] = [];
      for (const number of numbers) {
        const batch = batchOf([grePacket(0x1111, number, asciiBytes(String(number)))], { session });
        drops.push(...Object.keys({ ...run(greStage.inbound, batch), ...run(sequence.inbound, batch) }));
        delivered.push(...livePackets(batch).map((bytes) => Number(new TextDecoder().decode(bytes))));
      }
      return { delivered, drops };
    },
  };
};

const count = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);

describe('the Linux kernel, npppd and pptp-linux', () => {
  it('begin their numbers at 1: no loss, and the acknowledgment says 1', () => {
    const b = bench();
    expect(b.receive([1, 2, 3])).toEqual({ delivered: [1, 2, 3], drops: [] });
    expect(b.session.get(GRE_CHANNEL)?.snapshot()).toMatchObject({ lost: 0, held: 0 });
    expect(b.session.get(GRE_CHANNEL)?.takeAcknowledgment()).toBe(3);
  });
});

// The orders in which `pptp --test-type` sends its packets to try a server's reordering.
describe('pptp-linux with --test-type', () => {
  it.each([
    ['1, two packets swapped', [...count(1, 4), 6, 5, ...count(7, 20)]],
    ['2, one packet ten places early', [...count(1, 5), 16, ...count(6, 15), ...count(17, 25)]],
    ['3, ten packets in reverse', [...count(1, 5), ...count(6, 15).reverse(), ...count(16, 25)]],
  ])('%s: everything is delivered, in order', (_name, numbers) => {
    const last = Math.max(...numbers);
    expect(bench().receive(numbers)).toEqual({ delivered: count(1, last), drops: [] });
  });
});

describe('pppd over the kernel’s PPTP', () => {
  it('leaves FF 03 and the first octet of the protocol out as soon as it may, before we know that LCP is open', () => {
    const frames: string[] = [];
    const stage = pppStage({
      frame: (_session, protocol, bytes) => frames.push(`${protocol.toString(16)} ${toHex(bytes)}`),
    });
    const session = openSession([stage]);
    const batch = batchOf(
      ['ff03 c021 0201', 'c223 0201', 'c021 0901', '80fd 0101', 'fd 9000', 'ff03 00fd 9001'].map(fromHex),
      {
        session,
      },
    );
    expect(run(stage.inbound, batch)).toEqual({});
    expect(frames).toEqual(['c021 0201', 'c223 0201', 'c021 0901', '80fd 0101']);
    expect(livePackets(batch).map(toHex)).toEqual(['9000', '9001']);
  });
});
