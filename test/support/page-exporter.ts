import type { SpanReference } from '../../core/ports/telemetry.ts';
import { DurationStore } from '../../observability/metrics/durations.ts';
import { type Page, type PageFormat, writePage } from '../../observability/metrics/prometheus.ts';
import type { MetricAttributes, Readings } from '../../observability/metrics/readings.ts';
import type { HistogramSink } from '../../observability/metrics/recorder.ts';
import type { MetricsSnapshot } from '../../observability/metrics/snapshot.ts';
import type { HistogramName } from '../../observability/metrics/table.ts';

/** A process as its metrics page sees it. */
export class PageExporter implements HistogramSink {
  private readonly durations = new DurationStore();
  private readonly read: () => Readings;

  constructor(read: () => Readings) {
    this.read = read;
  }

  record(name: HistogramName, value: number, attributes: MetricAttributes, span?: SpanReference): void {
    this.durations.record(name, value, attributes, span);
  }

  snapshot(): MetricsSnapshot {
    return { readings: this.read(), durations: this.durations.snapshot() };
  }

  page(format: PageFormat): Promise<Page> {
    return writePage(this.snapshot(), format);
  }
}
