import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MetricsView, REFRESH_MS } from '../../../gateway/workers/view/metrics-view.ts';
import { collect } from '../../../observability/metrics/readings.ts';
import { isMetricsSnapshot, type MetricsSnapshot, mergeSnapshots } from '../../../observability/metrics/snapshot.ts';
import { METRICS, type MetricRow } from '../../../observability/metrics/table.ts';
import { OpenTelemetryTelemetry } from '../../../observability/telemetry.ts';
import { FakeLinks } from '../../support/crew-rig.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { fullSources } from '../../support/metric-sources.ts';
import { PageExporter } from '../../support/page-exporter.ts';

const ROWS: readonly MetricRow[] = METRICS;
const PROCESSES = 3;

/** A process whose counters a test lets grow. */
const worker = () => {
  const telemetry = new OpenTelemetryTelemetry();
  const exporter = new PageExporter(() => collect({ ...fullSources(), counters: telemetry.snapshot() }));
  return {
    grow: (packets: number): void => {
      telemetry.packets('gre-socket', 'in', packets, packets * 100);
      telemetry.dropped('sequence', 'in', 'late', packets % 3);
      telemetry.event('auth.ok', { method: packets % 2 === 0 ? 'pap' : 'ms-chap-v2' });
      exporter.record('pptp.tunnel.duration', packets, { reason: packets % 2 === 0 ? 'idle' : 'peer' });
    },
    snapshot: () => exporter.snapshot(),
  };
};

/** Every value that is a sum over processes and must never fall, by its series. */
const growing = ({ readings, durations }: MetricsSnapshot): ReadonlyMap<string, number> => {
  const values = new Map<string, number>();
  for (const { name, kind, workers = 'sum' } of ROWS) {
    if (kind === 'counter' && workers === 'sum') {
      for (const { value, attributes } of readings.get(name) ?? []) {
        values.set(JSON.stringify([name, attributes]), value);
      }
    }
    for (const { attributes, counts, sum } of durations.get(name) ?? []) {
      values.set(JSON.stringify([name, attributes, 'sum']), sum);
      for (const [bucket, count] of counts.entries()) values.set(JSON.stringify([name, attributes, bucket]), count);
    }
  }
  return values;
};

const step = fc.oneof(
  fc.record({
    kind: fc.constant('grow' as const),
    index: fc.nat(PROCESSES - 1),
    packets: fc.integer({ min: 0, max: 50 }),
  }),
  fc.record({ kind: fc.constantFrom('die' as const, 'start' as const, 'hang' as const), index: fc.nat(PROCESSES - 1) }),
  fc.record({ kind: fc.constant('wait' as const) }),
  fc.record({ kind: fc.constant('read' as const) }),
);

test('whoever dies, hangs or comes again: no sum over workers falls, and none exceeds what was counted', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const links = new FakeLinks(PROCESSES);
      const clock = new FakeClock();
      const view = new MetricsView(links, clock);
      const stop = view.keep();
      const processes = Array.from({ length: PROCESSES }, worker);
      const hanging = new Set<number>();
      links.reply = (index) => (hanging.has(index) ? undefined : processes[index]?.snapshot());
      for (let index = 0; index < PROCESSES; index += 1) await links.start(index);
      const own: MetricsSnapshot = { readings: new Map(), durations: new Map() };
      let before = growing(await view.gather(own));
      let counted = 0;
      const readPackets = (snapshot: MetricsSnapshot): number =>
        (snapshot.readings.get('pptp.packets') ?? []).reduce((sum, { value }) => sum + value, 0);
      for (const one of steps) {
        if (one.kind === 'grow') {
          processes[one.index]?.grow(one.packets);
          counted += one.packets;
        } else if (one.kind === 'die' && links.workers[one.index]?.alive === true) {
          links.end(one.index);
          processes[one.index] = worker();
          hanging.delete(one.index);
        } else if (one.kind === 'start' && links.workers[one.index]?.alive === false) {
          await links.start(one.index);
        } else if (one.kind === 'hang') {
          hanging.add(one.index);
        } else if (one.kind === 'wait') {
          await clock.advance(REFRESH_MS);
        } else if (one.kind === 'read') {
          const page = await view.gather(own);
          const after = growing(page);
          for (const [series, value] of before) expect(after.get(series) ?? 0, series).toBeGreaterThanOrEqual(value);
          expect(readPackets(page)).toBeLessThanOrEqual(counted);
          before = after;
        }
      }
      stop();
    }),
  );
});

test('all that processes count is in the sum, in whatever order they are taken', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.integer({ min: 0, max: 50 })), { minLength: 1, maxLength: 4 }), (all) => {
      const parts = all.map((packets, index) => {
        const one = worker();
        for (const count of packets) one.grow(count);
        return { worker: String(index), snapshot: one.snapshot() };
      });
      const merged = growing(mergeSnapshots(parts));
      expect(growing(mergeSnapshots(parts.toReversed()))).toEqual(merged);
      const sums = new Map<string, number>();
      for (const { snapshot } of parts) {
        for (const [series, value] of growing(snapshot)) sums.set(series, (sums.get(series) ?? 0) + value);
      }
      expect(merged).toEqual(sums);
      // Two steps are as good as one.
      const [first, ...rest] = parts;
      const half = first === undefined ? [] : [{ worker: 'x', snapshot: mergeSnapshots([first]) }];
      expect(growing(mergeSnapshots([...half, ...rest]))).toEqual(merged);
    }),
  );
});

test('a snapshot is known after its way between processes, and nothing else is', () => {
  const one = worker();
  one.grow(3);
  expect(isMetricsSnapshot(structuredClone(one.snapshot()))).toBe(true);
  fc.assert(
    fc.property(fc.anything({ withMap: true }), (value) => {
      expect(isMetricsSnapshot(value)).toBe(false);
      expect(isMetricsSnapshot({ readings: new Map([['pptp.tunnels', [value]]]), durations: new Map() })).toBe(false);
    }),
  );
});
