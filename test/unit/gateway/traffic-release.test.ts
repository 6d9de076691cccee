import { describe, expect, it, vi } from 'vitest';
import type { Session } from '../../../core/datapath/session.ts';
import { SESSION_USAGE } from '../../../core/datapath/session-usage.ts';
import { setShape } from '../../../core/datapath/shape.ts';
import { TrafficGateStage } from '../../../core/datapath/stages/traffic-gate.stage.ts';
import { TrafficRelease } from '../../../gateway/traffic-release.ts';
import { address, batchOf, livePackets, openSession, run } from '../../support/batches.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { ipv4Packet } from '../../support/ipv4-packets.ts';

const packet = (octets: number): Uint8Array =>
  ipv4Packet({
    source: address('10.99.0.2'),
    destination: address('10.0.0.80'),
    payload: new Uint8Array(octets - 20),
  });

const bench = () => {
  const clock = new FakeClock(0);
  const waits = new TrafficRelease(clock);
  const events = { onQuotaReached: () => undefined };
  const stage = new TrafficGateStage('in', { events, waits, released$: waits.released$ });
  waits.attach(stage);
  let released = 0;
  const rooms: number[] = [];
  waits.released$.subscribe((batch) => {
    released += livePackets(batch).length;
    rooms.push(batch.free - batch.count);
  });
  const send = (session: Session, packets: readonly Uint8Array[]) =>
    run(stage.inbound, batchOf(packets, { session, now: clock.now(), protocol: 0x0021 }), 'in');
  const session = (bitsPerSecond: number): Session => {
    const one = openSession([stage]);
    setShape(one, { rate: { up: { bitsPerSecond, burstOctets: 1 } } }, clock.now());
    return one;
  };
  return { clock, stage, send, session, released: () => released, rooms };
};

describe('packets that wait for a rate', () => {
  it('cost few rounds over all sessions, also while more and more sessions begin to wait', async () => {
    const { clock, stage, send, session, released } = bench();
    for (let i = 0; i < 2000; i += 1) send(session(8_000), [packet(1500), packet(1500)]);
    const looks = vi.spyOn(stage, 'dueAt');
    for (let ms = 0; ms < 100; ms += 1) {
      // Due within half a millisecond.
      send(session(1e9), [packet(1500), packet(1500), packet(1500)]);
      await clock.advance(1);
    }
    // A round over 2,000 sessions each 5 ms.
    expect(looks.mock.calls.length).toBeLessThan(25 * 2100);
    await clock.advance(10);
    expect(released()).toBeGreaterThanOrEqual(200);
  });

  it('leave room in their batches for stages behind that make two of one', async () => {
    const { clock, send, session, released, rooms } = bench();
    for (let i = 0; i < 200; i += 1) send(session(8e6), [packet(1500), packet(1500), packet(1500)]);
    await clock.advance(100);
    expect(released()).toBeGreaterThan(128);
    expect(Math.min(...rooms)).toBeGreaterThanOrEqual(0);
  });

  it('are forgotten with their session at once, however long they would have waited', () => {
    const { clock, stage, send, session } = bench();
    const [one, other] = [session(1), session(1)];
    for (const each of [one, other]) send(each, [packet(1500), packet(1500)]);
    expect(clock.pending).toBe(1);
    stage.close(one);
    expect(clock.pending).toBe(1);
    stage.close(other);
    expect(clock.pending).toBe(0);
  });

  it('go nowhere when the session has another address meanwhile, or none', async () => {
    const { clock, send, session, released } = bench();
    const [moved, lost, kept] = [session(8e6), session(8e6), session(8e6)];
    for (const one of [moved, lost, kept]) {
      one.address = address('10.99.0.2');
      send(one, [packet(1500), packet(1500)]);
    }
    moved.address = address('10.99.0.3');
    lost.address = undefined;
    await clock.advance(100);
    expect(released()).toBe(1);
    expect([moved, lost, kept].map((one) => one.get(SESSION_USAGE)?.packetsIn)).toEqual([1, 1, 2]);
    expect(clock.pending).toBe(0);
  });

  it('are bounded in what they take in memory, not only in their octets', () => {
    const { send, session } = bench();
    const small = Array.from({ length: 125 }, () => packet(20));
    let dropped = 0;
    for (let i = 0; i < 300; i += 1) {
      const one = session(8e9);
      send(one, [packet(1500), packet(548)]);
      for (let more = 0; more < 8; more += 1) dropped += send(one, small)['rate-limited'] ?? 0;
    }
    // 300,000 packets of 20 octets are 6 MB, and ten times as much with what holds them.
    expect(dropped).toBeGreaterThan(0);
  });
});
