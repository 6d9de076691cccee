import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { lift } from '../../../../core/datapath/lift.ts';
import type { PacketBatch } from '../../../../core/datapath/packet-batch.ts';
import type { PacketTrace } from '../../../../core/datapath/packet-trace.ts';
import { PacketTracing } from '../../../../core/datapath/packet-tracing.ts';
import { Probes } from '../../../../core/datapath/probe.ts';
import type { BatchStep } from '../../../../core/datapath/stage.ts';
import type { DropReason } from '../../../../core/outcome.ts';
import { type Instant, instant } from '../../../../core/time.ts';
import { batchOf, openSession } from '../../../support/batches.ts';
import { MemoryTelemetry } from '../../../support/memory-telemetry.ts';
import { traceLines } from '../../../support/packet-traces.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

/** What a stage does to each packet; it sees the octets' first. */
const each = (work: (batch: PacketBatch, index: number, first: number) => void): BatchStep => ({
  process(batch, from) {
    for (let at = from; at < batch.count; at += 1) {
      batch.cursor = at;
      const index = batch.order[at] ?? 0;
      work(batch, index, batch.view(index)[0] ?? 0);
    }
  },
});

/** A pipeline of these stages, inbound, under a clock that moves on by 1 ms whenever it is read. */
function bench(
  stages: Readonly<Record<string, BatchStep>>,
  told?: (trace: PacketTrace) => void,
  uniform: () => number = () => 0,
  /** Packets tell themselves apart by their lengths, too: one more than their first octet. */
  lengths = false,
) {
  let time = 100;
  const read = (): Instant => {
    time += 1;
    return instant(time);
  };
  const failed: string[] = [];
  const probes = new Probes({ now: read }, (name) => failed.push(name));
  const traces: PacketTrace[] = [];
  const tracing = new PacketTracing(probes, told ?? ((trace) => traces.push(trace)), {
    perSecond: 1_000_000,
    uniform,
    entrances: new Set(['entrance']),
  });
  const source = new Subject<PacketBatch>();
  const session = openSession();
  let room = Number.POSITIVE_INFINITY;
  let refused: DropReason | undefined;
  Object.entries(stages)
    .reduce(
      (stream$, [name, step]) => stream$.pipe(lift(step, name, 'in', new MemoryTelemetry(), probes)),
      source.asObservable(),
    )
    .subscribe((batch) => {
      const [first = 0] = batch.order;
      if (refused !== undefined) batch.drop(first, refused);
      probes.watching?.leaving(batch, 'tun', 'in', Math.min(batch.count, room));
    });
  const padding = lengths ? (first: number) => new Uint8Array(first) : () => Uint8Array.of(0, 0, 0);
  const pass = (...firsts: number[]): void => {
    const packets = firsts.map((first) => Uint8Array.of(first, ...padding(first)));
    const batch = batchOf(packets, { session, now: read() });
    probes.active?.entering(batch, 'in');
    source.next(batch);
  };
  const later = (milliseconds: number): void => {
    time += milliseconds;
  };
  const setRoom = (packets: number): void => {
    room = packets;
  };
  /** The device takes the whole batch, and refuses the first packet of it. */
  const refuseFirst = (reason: DropReason): void => {
    refused = reason;
  };
  return { probes, tracing, traces, failed, session, pass, later, setRoom, refuseFirst };
}

const nothing = each(() => undefined);

describe('packet tracing', () => {
  it('tells times as they were, for the batch as a whole', () => {
    const { tracing, traces, pass } = bench({
      first: each((batch, index) => batch.strip(index, 1)),
      entrance: nothing,
      second: nothing,
    });
    tracing.addRule({ packets: 1 });
    pass(1, 2, 3);
    const [trace, ...more] = traces;
    if (trace === undefined) throw new Error('nothing was traced');
    expect(more).toEqual([]);
    const since = (time: Instant): number => time - trace.began;
    const steps = trace.steps.map((step) => ({ ...step, began: since(step.began), ended: since(step.ended) }));
    expect(steps).toEqual([
      { kind: 'stage', stage: 'first', began: 1, ended: 2, packets: 3, octetsIn: 4, octetsOut: 3 },
      { kind: 'stage', stage: 'second', began: 5, ended: 6, packets: 3, octetsIn: 3, octetsOut: 3 },
      { kind: 'device', stage: 'tun', began: 6, ended: 7, packets: 3, octetsIn: 3, octetsOut: 3 },
    ]);
    expect(since(trace.ended)).toBe(7);
  });

  it('asks no stage for more once nothing of a batch is of interest', () => {
    const { tracing, probes, traces, pass } = bench({
      first: nothing,
      second: each(() => asked.push(probes.watching !== undefined)),
    });
    const asked: boolean[] = [];
    tracing.addRule({ user: 'nobody' });
    pass(1);
    tracing.addRule({});
    pass(1);
    expect(asked).toEqual([false, true]);
    expect(traces).toHaveLength(1);
  });

  it('asks no stage at all about a batch in which nothing is chosen', () => {
    const draws = [0.999, 0.5];
    const { probes, tracing, traces, pass } = bench(
      { first: nothing, second: nothing },
      undefined,
      () => draws.shift() ?? 0,
    );
    tracing.addRule({ ratio: 0.5 });
    // The first draw passes nine packets over.
    pass(1, 2, 3, 4, 5);
    expect([probes.watching, traces.length]).toEqual([undefined, 0]);
    const before = probes.now();
    pass(6, 7, 8);
    // The batch's own time, and the one read here.
    expect(probes.now() - before).toBe(2);
    pass(9, 10, 11);
    expect(traces).toHaveLength(1);
  });

  it('gives every packet that comes through the same chance, whatever is dropped before it and wherever it is', () => {
    const random = seededRandom(5);
    const uniform = (): number => ((random.bytes(1)[0] ?? 0) * 256 + (random.bytes(1)[0] ?? 0)) / 65_536;
    const chosen = new Map<number, number>();
    const { tracing, pass } = bench(
      { first: each((batch, index, first) => (first === 0 ? batch.drop(index, 'malformed') : undefined)) },
      ({ outcome, steps }) => {
        expect(outcome).toBe('delivered');
        const place = steps.at(-1);
        const octets = place?.kind === 'device' ? place.octetsIn - 1 : 0;
        chosen.set(octets, (chosen.get(octets) ?? 0) + 1);
      },
      uniform,
      true,
    );
    tracing.addRule({ ratio: 0.1 });
    const rounds = 4000;
    for (let n = 0; n < rounds; n += 1)
      pass(...Array.from({ length: 10 }, (_, place) => (place < n % 10 ? 0 : place + 1)));
    const all = [...chosen.values()].reduce((sum, count) => sum + count, 0);
    const live = (rounds / 10) * 55;
    expect(Math.abs(all - live / 10)).toBeLessThan(4 * Math.sqrt(live * 0.09));
    for (let place = 1; place <= 10; place += 1) {
      const passed = (rounds / 10) * place;
      expect(Math.abs((chosen.get(place) ?? 0) - passed / 10)).toBeLessThan(4 * Math.sqrt(passed * 0.09));
    }
  });

  it('blames the stage that threw, for the packet on which it threw', () => {
    const { tracing, traces, pass } = bench({
      first: nothing,
      faulty: each((_batch, _index, first) => {
        if (first === 2) throw new Error('bug');
      }),
    });
    tracing.addRule({});
    pass(1, 2, 3);
    expect(traces.map(({ outcome, steps }) => `${outcome} ${steps.at(-1)?.stage}`)).toEqual([
      'stage-fault faulty',
      'delivered tun',
      'delivered tun',
    ]);
  });

  it('ends with the device what the device refuses', () => {
    const { tracing, traces, pass, setRoom } = bench({ first: nothing });
    tracing.addRule({});
    setRoom(1);
    pass(1, 2);
    expect(traces.map(traceLines)).toEqual([
      ['in: delivered', 'first 4 > 4', 'tun 4 > 4 device'],
      ['in: device-refused', 'first 4 > 4', 'tun 4 > 0 device'],
    ]);
    traces.length = 0;
    for (const { id } of tracing.rules()) tracing.remove(id);
    tracing.addRule({ dropsOnly: true });
    pass(1, 2);
    expect(traces.map(({ outcome }) => outcome)).toEqual(['device-refused']);
  });

  it('ends with the device what it refuses out of the middle of a batch that it takes', () => {
    const { tracing, traces, pass, refuseFirst } = bench({ first: nothing });
    tracing.addRule({});
    refuseFirst('too-big');
    pass(1, 2);
    expect(traces.map(traceLines)).toEqual([
      ['in: too-big', 'first 4 > 4', 'tun 4 > 0 device'],
      ['in: delivered', 'first 4 > 4', 'tun 4 > 4 device'],
    ]);
    traces.length = 0;
    for (const { id } of tracing.rules()) tracing.remove(id);
    tracing.addRule({ dropsOnly: true });
    pass(1, 2);
    expect(traces.map(({ outcome }) => outcome)).toEqual(['too-big']);
  });

  it('ends as held what waits in a queue for good, and the probe goes then', () => {
    const { tracing, traces, probes, pass, later } = bench({
      first: nothing,
      sequence: each((batch, index, first) => {
        if (first > 1) return;
        batch.sequence[index] = first;
        batch.hold(index);
      }),
    });
    tracing.addRule({ packets: 1 });
    pass(1);
    expect(tracing.rules()).toEqual([]);
    expect(traces).toEqual([]);
    expect(probes.active).toBeDefined();
    later(60_000);
    pass(2);
    expect(traces.map(traceLines)).toEqual([['in: held', 'first 4 > 4', 'sequence 4 > 4']]);
    expect(probes.active).toBeUndefined();
  });

  it('ends as held at once what a stage keeps that it knows nothing of', () => {
    const { tracing, traces, pass } = bench({ first: nothing, shaper: each((batch, index) => batch.hold(index)) });
    tracing.addRule({});
    pass(1);
    expect(traces.map(traceLines)).toEqual([['in: held', 'first 4 > 4', 'shaper 4 > 4']]);
  });

  it('comes back with the next rule after a bug took it out', () => {
    let broken = true;
    const told: PacketTrace[] = [];
    const { tracing, failed, pass } = bench({ first: nothing }, (trace) => {
      if (broken) throw new Error('bug');
      told.push(trace);
    });
    tracing.addRule({});
    pass(1);
    pass(1);
    expect(failed).toEqual(['packet-tracing']);
    broken = false;
    tracing.addRule({ packets: 5 });
    pass(1);
    expect(told).toHaveLength(1);
  });
});
