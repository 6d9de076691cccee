import { EMPTY } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../../../../core/bytes/bytes.ts';
import { toHex } from '../../../../../core/bytes/hex.ts';
import { GRE_CHANNEL } from '../../../../../core/datapath/gre-channel.ts';
import { PacketBatch } from '../../../../../core/datapath/packet-batch.ts';
import { callDemuxStage } from '../../../../../core/datapath/stages/call-demux.stage.ts';
import { greStage } from '../../../../../core/datapath/stages/gre.stage.ts';
import { SequenceStage } from '../../../../../core/datapath/stages/sequence.stage.ts';
import { instant } from '../../../../../core/time.ts';
import { greLength, writeGre } from '../../../../../core/wire/gre.ts';
import { address, batchOf, livePackets, openSession, run } from '../../../../support/batches.ts';

const wakes: number[] = [];
const sequenceStage = () => {
  wakes.length = 0;
  return new SequenceStage(
    { wake: (_session, at) => wakes.push(at) },
    { window: 16, timeoutMs: 300, ackDelayMs: 100 },
    EMPTY,
  );
};

const gre = (callId: number, sequence: number, text: string, acknowledgment = -1): Uint8Array => {
  const header = new Uint8Array(greLength(sequence, acknowledgment));
  writeGre(header, 0, callId, text.length, sequence, acknowledgment);
  return concatBytes(header, new TextEncoder().encode(text));
};
const texts = (batch: PacketBatch): string[] => livePackets(batch).map((bytes) => new TextDecoder().decode(bytes));

/** Decode, demux and sequence, as the pipeline runs them. */
function bench() {
  const sequence = sequenceStage();
  const session = openSession([sequence]);
  const demux = callDemuxStage(
    { byCallId: (id) => (id === session.call.localCallId ? session : undefined), byAddress: () => undefined },
    { checkPeerAddress: true },
  );
  return {
    session,
    sequence,
    receives(
      packets: readonly Uint8Array[],
      now = 0,
      shape: (batch: PacketBatch) => void = () => undefined,
      capacity = 64,
    ) {
      const batch = batchOf(packets, { now, capacity });
      shape(batch);
      const drops = { ...run(greStage.inbound, batch), ...run(demux.inbound, batch), ...run(sequence.inbound, batch) };
      return { texts: texts(batch), drops, batch };
    },
    sends(texts_: readonly string[]) {
      const batch = batchOf(
        texts_.map((t) => new TextEncoder().encode(t)),
        { session },
      );
      run(greStage.outbound, batch, 'out');
      return { batch, packets: livePackets(batch).map(toHex) };
    },
  };
}

describe('GRE decode, Call-ID demux and sequence', () => {
  it('delivers a batch in order and says when an acknowledgment is due', () => {
    const b = bench();
    expect(b.receives([gre(0x1111, 0, 'a'), gre(0x1111, 1, 'b')], 50).texts).toEqual(['a', 'b']);
    expect(Math.min(...wakes)).toBe(150);
  });

  it('asks for time once per acknowledgment, and again for each packet while a gap is open', () => {
    const b = bench();
    b.receives([gre(0x1111, 0, 'a'), gre(0x1111, 1, 'b')], 50);
    b.receives([gre(0x1111, 2, 'c')], 60);
    expect(wakes).toEqual([150]);
    expect(b.session.get(GRE_CHANNEL)?.lastReceived).toBe(60);
    b.sends(['the acknowledgment rides on this']);
    b.receives([gre(0x1111, 4, 'e')], 70);
    expect(wakes).toEqual([150, 170]);
    b.receives([gre(0x1111, 5, 'f')], 80);
    expect(wakes).toEqual([150, 170, 170]);
    b.receives([gre(0x1111, 3, 'd'), gre(0x1111, 6, 'g')], 90);
    expect(wakes).toEqual([150, 170, 170]);
  });

  it('puts held packets right behind the one that filled the gap, before what follows in the batch', () => {
    const b = bench();
    const { texts: out } = b.receives(['a', 'b', 'c', 'd', 'e'].map((t, i) => gre(0x1111, [0, 3, 2, 1, 4][i] ?? 0, t)));
    expect(out).toEqual(['a', 'd', 'c', 'b', 'e']);
  });

  it('releases over a full batch later instead of losing packets', () => {
    const b = bench();
    b.receives([gre(0x1111, 0, 'a'), gre(0x1111, 2, 'c'), gre(0x1111, 3, 'd')]);
    expect(b.receives([gre(0x1111, 1, 'b')], 10, undefined, 1).texts).toEqual(['b']);
    expect(b.receives([gre(0x1111, 4, 'e')], 11, undefined, 1).texts).toEqual([]);
    const later = new PacketBatch(8);
    expect(b.sequence.releaseDue(b.session, instant(12), later)).toBe(true);
    expect(texts(later)).toEqual(['c', 'd', 'e']);
  });

  it('releases what waited when the gap times out', () => {
    const b = bench();
    b.receives([gre(0x1111, 0, 'a'), gre(0x1111, 2, 'c')], 10);
    expect(wakes).toContain(110);
    b.sends(['']);
    expect(b.session.get(GRE_CHANNEL)?.nextTimeout()).toBe(310);
    const later = new PacketBatch(8);
    b.sequence.releaseDue(b.session, instant(310), later);
    expect(texts(later)).toEqual(['c']);
    expect(later.session[0]).toBe(b.session);
  });

  it('counts each drop by name', () => {
    const b = bench();
    b.receives([gre(0x1111, 0, 'a')]);
    expect(b.receives([gre(0x1111, 0, 'a')]).drops).toEqual({ duplicate: 1 });
    expect(b.receives([gre(0x9999, 1, 'x')]).drops).toEqual({ 'unknown-call': 1 });
    const spoofed = b.receives([gre(0x1111, 1, 'x')], 0, (batch) =>
      batch.outerEndpoints(0, address('192.0.2.66'), address('198.51.100.1')),
    );
    expect(spoofed.drops).toEqual({ 'wrong-peer': 1 });
    const elsewhere = b.receives([gre(0x1111, 1, 'x')], 0, (batch) =>
      batch.outerEndpoints(0, address('203.0.113.9'), address('198.51.100.2')),
    );
    expect(elsewhere.drops).toEqual({ 'unknown-call': 1 });
  });

  it('takes a lone acknowledgment for itself', () => {
    const b = bench();
    expect(b.receives([gre(0x1111, -1, '', 7)])).toMatchObject({ texts: [], drops: {} });
  });

  it('numbers what it sends from 0, to the peer by its Call ID, and carries due acknowledgments', () => {
    const b = bench();
    expect(b.sends(['x']).packets).toEqual(['3001880b000122220000000078']);
    b.receives([gre(0x1111, 0, 'a')]);
    const second = b.sends(['y', 'z']);
    expect(second.packets).toEqual(['3081880b00012222000000010000000079', '3001880b00012222000000027a']);
    expect([second.batch.outerSource[0], second.batch.outerDestination[0]]).toEqual([
      b.session.call.local,
      b.session.call.peer,
    ]);
  });

  it('sends a lone acknowledgment only when there is something new to acknowledge', () => {
    const b = bench();
    expect(b.sends(['']).packets).toEqual([]);
    b.receives([gre(0x1111, 0, 'a'), gre(0x1111, 1, 'b')]);
    expect(b.sends(['']).packets).toEqual(['2081880b0000222200000001']);
    expect(b.sends(['']).packets).toEqual([]);
  });
});
