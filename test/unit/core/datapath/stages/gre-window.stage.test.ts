import { EMPTY } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { GRE_CHANNEL, type GreChannelOptions, PEER_WINDOW } from '../../../../../core/datapath/gre-channel.ts';
import { PacketBatch } from '../../../../../core/datapath/packet-batch.ts';
import { greStage } from '../../../../../core/datapath/stages/gre.stage.ts';
import { GreWindowStage } from '../../../../../core/datapath/stages/gre-window.stage.ts';
import { SequenceStage } from '../../../../../core/datapath/stages/sequence.stage.ts';
import { instant } from '../../../../../core/time.ts';
import { emptyGreHeader, parseGre } from '../../../../../core/wire/gre.ts';
import { batchOf, livePackets, openSession, run } from '../../../../support/batches.ts';

const GRE: GreChannelOptions = {
  window: 16,
  timeoutMs: 300,
  ackDelayMs: 100,
  sendWindow: { minTimeoutMs: 200, maxTimeoutMs: 1_000, queueLimit: 4 },
};
const IP = 0x0021;
const LCP = 0xc021;

/** Window and GRE encode of one session whose peer said `packets`. */
const bench = (packets: number | undefined, gre: GreChannelOptions = GRE) => {
  const wakes: number[] = [];
  const wakeups = { wake: (_session: unknown, at: number) => wakes.push(at) };
  const sequence = new SequenceStage(wakeups, gre, EMPTY);
  const stage = new GreWindowStage(wakeups, EMPTY);
  const session = openSession();
  if (packets !== undefined) session.set(PEER_WINDOW, { packets, processingDelay: 0 });
  sequence.open(session);
  const channel = session.get(GRE_CHANNEL);
  if (channel === undefined) throw new Error('no channel');
  const encode = (batch: PacketBatch): { sequence: number; text: string }[] => {
    run(greStage.outbound, batch, 'out');
    return livePackets(batch).map((bytes) => {
      const header = emptyGreHeader();
      expect(parseGre(bytes, 0, bytes.length, header)).toBeUndefined();
      return { sequence: header.sequence, text: new TextDecoder().decode(bytes.subarray(header.headerLength)) };
    });
  };
  return {
    session,
    stage,
    channel,
    wakes,
    send: (texts: readonly string[], now = 0, protocol = IP) => {
      const packets_ = texts.map((text) => new TextEncoder().encode(text));
      const batch = batchOf(packets_, { session, now, protocol });
      const drops = run(stage.outbound, batch, 'out');
      return { drops, sent: encode(batch) };
    },
    release: (now: number, capacity = 64) => {
      const batch = new PacketBatch(capacity);
      const whole = stage.releaseDue(session, instant(now), batch);
      return { whole, sent: encode(batch) };
    },
    acknowledged: (number: number, now: number): void => channel.noteAcknowledgment(number, instant(now)),
  };
};

describe('the window of GRE', () => {
  it('lets the first half of the peer’s window pass, holds what follows, and drops what finds the queue full', () => {
    const b = bench(4);
    const { sent, drops } = b.send(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
    expect(sent).toEqual([
      { sequence: 0, text: 'a' },
      { sequence: 1, text: 'b' },
    ]);
    expect(drops).toEqual({ 'queue-full': 2 });
    expect(b.channel.snapshot().window).toMatchObject({ size: 2, inFlight: 2, waiting: 4, dropped: 2 });
    expect(b.wakes).toEqual([200]);
  });

  it('releases in order, under the next numbers, what an acknowledgment makes room for', () => {
    const b = bench(4);
    b.send(['a', 'b', 'c', 'd', 'e', 'f']);
    b.acknowledged(1, 20);
    expect(b.channel.nextTimeout()).toBe(20);
    expect(b.release(21)).toEqual({
      whole: true,
      sent: [
        { sequence: 2, text: 'c' },
        { sequence: 3, text: 'd' },
        { sequence: 4, text: 'e' },
      ],
    });
    expect(b.send(['g'], 22).sent).toEqual([]);
    b.acknowledged(4, 40);
    expect(b.release(41).sent.map(({ text }) => text)).toEqual(['f', 'g']);
    expect(b.channel.nextTimeout()).toBe(41 + (b.channel.snapshot().window?.timeoutMs ?? 0));
  });

  it('goes on after a time-out with half the window, and asks for time until then', () => {
    const b = bench(4);
    b.send(['a', 'b', 'c', 'd', 'e']);
    expect(b.channel.nextTimeout()).toBe(200);
    expect(b.release(199).sent).toEqual([]);
    expect(b.release(200).sent).toEqual([{ sequence: 2, text: 'c' }]);
    expect(b.channel.snapshot().window).toMatchObject({ size: 1, timeOuts: 1, waiting: 2 });
    expect(b.channel.nextTimeout()).toBe(600);
  });

  it('never stalls on a peer that does not acknowledge at all', () => {
    const b = bench(4);
    b.send(['a', 'b', 'c', 'd', 'e', 'f']);
    const texts: string[] = [];
    for (let now = 200; now <= 5_000; now += 100) texts.push(...b.release(now).sent.map(({ text }) => text));
    expect(texts).toEqual(['c', 'd', 'e', 'f']);
    expect(b.send(['g', 'h', 'i', 'j', 'k'], 6_000).sent).toHaveLength(5);
  });

  it('keeps the rest for the next batch when one is full', () => {
    const b = bench(16);
    b.send(Array.from({ length: 12 }, (_, at) => String(at)));
    b.acknowledged(7, 10);
    expect(b.release(10, 3)).toMatchObject({ whole: false });
    expect(b.release(10, 3)).toMatchObject({ whole: true, sent: [{ sequence: 11, text: '11' }] });
  });

  it('has room for control frames that user data cannot take, and keeps them in order', () => {
    const b = bench(1);
    b.send(['a', 'b', 'c', 'd', 'e', 'lost']);
    expect(b.send(['echo'], 0, LCP).drops).toEqual({});
    const sent: string[] = [];
    for (let number = 0; number < 6; number += 1) {
      b.acknowledged(number, number + 1);
      sent.push(...b.release(number + 1).sent.map(({ text }) => text));
    }
    expect(sent).toEqual(['b', 'c', 'd', 'e', 'echo']);
    const floods = b.send(Array(100).fill('x'), 10, LCP);
    expect(floods.sent.length + (b.channel.snapshot().window?.waiting ?? 0)).toBeLessThanOrEqual(37);
  });

  it('has no say in lone acknowledgments', () => {
    const b = bench(1);
    b.send(['a', 'b']);
    b.channel.queue.accept(0, new Uint8Array(1), 0, 1, instant(0));
    expect(b.send([''])).toMatchObject({ drops: {}, sent: [{ sequence: -1, text: '' }] });
  });

  it('limits nothing when it is off, or when nobody said what the peer’s window is', () => {
    const { sendWindow: _, ...off } = GRE;
    for (const b of [bench(1, off), bench(undefined)]) {
      expect(b.send(['a', 'b', 'c']).sent).toHaveLength(3);
      expect(b.channel.snapshot().window).toBeUndefined();
      expect(b.release(10_000)).toEqual({ whole: true, sent: [] });
    }
  });
});
