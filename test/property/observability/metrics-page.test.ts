import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DROP_REASONS } from '../../../core/outcome.ts';
import { collect } from '../../../observability/metrics/readings.ts';
import { METRICS } from '../../../observability/metrics/table.ts';
import { OpenTelemetryTelemetry } from '../../../observability/telemetry.ts';
import { fullSources } from '../../support/metric-sources.ts';
import { PageExporter } from '../../support/page-exporter.ts';
import { parsePage } from '../../support/prometheus-page.ts';

const direction = fc.constantFrom('in' as const, 'out' as const);
const text = fc.string({ unit: 'binary' });
const count = fc.nat(1_000_000);

const stageReport = (stage: string) => (to: OpenTelemetryTelemetry) => to.packets(stage, 'in', 1, 1);

const report = fc.oneof(
  fc.tuple(text, direction, count, count).map(([stage, way, packets, octets]) => (to: OpenTelemetryTelemetry) => {
    to.packets(stage, way, packets, octets);
  }),
  fc
    .tuple(text, direction, fc.constantFrom(...DROP_REASONS), count)
    .map(([stage, way, reason, packets]) => (to: OpenTelemetryTelemetry) => {
      to.dropped(stage, way, reason, packets);
    }),
  fc
    .tuple(
      fc.oneof(text, fc.constantFrom('auth.failed', 'ppp.ignored', 'control.message')),
      fc.dictionary(fc.constantFrom('method', 'why', 'denial', 'message', 'direction'), fc.oneof(text, count)),
    )
    .map(([name, attributes]) => (to: OpenTelemetryTelemetry) => {
      to.event(name, attributes);
    }),
  fc
    .tuple(text, fc.double({ min: 0, max: 1e6, noNaN: true }))
    .map(([reason, seconds]) => (to: OpenTelemetryTelemetry) => {
      to.measure('pptp.tunnel.duration', seconds, { reason });
    }),
);

test('whatever is reported, the page can be read, in both formats, and has the same metrics', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(report, { maxLength: 40 }), async (reports) => {
      const telemetry = new OpenTelemetryTelemetry();
      const exporter = new PageExporter(() => collect({ ...fullSources(), counters: telemetry.snapshot() }));
      telemetry.durations.add(exporter);
      for (const one of reports) one(telemetry);
      const plain = parsePage((await exporter.page('text')).text);
      expect([...plain.keys()].toSorted()).toEqual(METRICS.map(({ prometheus }) => prometheus).toSorted());
      const open = parsePage((await exporter.page('openmetrics')).text);
      expect([...open.keys()].toSorted()).toEqual(
        METRICS.map(({ prometheus }) => prometheus.replace(/_total$/, '')).toSorted(),
      );
      for (const { samples } of plain.values())
        for (const { value } of samples) expect(value).toBeGreaterThanOrEqual(0);
    }),
    {
      numRuns: 50,
      // Only a line feed ends a line: other characters that end one elsewhere, and what looks like the end of labels.
      examples: [[['\r', '\u2028', '\u0085', '"} 1 # {a="', '} 5', '\\'].map(stageReport)]],
    },
  );
});
