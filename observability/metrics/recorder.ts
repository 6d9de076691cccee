import type { SpanReference } from '../../core/ports/telemetry.ts';
import type { MetricAttributes } from './readings.ts';
import type { HistogramName } from './table.ts';

/** Takes the durations of one exporter. */
export interface HistogramSink {
  /** Seconds. `span`: an example of it, if it is kept anywhere. */
  record(name: HistogramName, value: number, attributes: MetricAttributes, span?: SpanReference): void;
}

/** Hands durations to the exporters there are; while there is none, nothing is kept. */
export class Recorder implements HistogramSink {
  #sinks: readonly HistogramSink[] = [];

  /** The result takes it out again. */
  add(sink: HistogramSink): () => void {
    this.#sinks = [...this.#sinks, sink];
    return () => {
      this.#sinks = this.#sinks.filter((other) => other !== sink);
    };
  }

  record(name: HistogramName, value: number, attributes: MetricAttributes, span?: SpanReference): void {
    for (const sink of this.#sinks) sink.record(name, value, attributes, span);
  }
}
