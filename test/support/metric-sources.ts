import type { SpanReference } from '../../core/ports/telemetry.ts';
import { SETUP_PHASES } from '../../core/ports/telemetry.ts';
import { Counters } from '../../observability/counters.ts';
import { EVENT_METRICS } from '../../observability/metrics/event-metrics.ts';
import type { MetricAttributes, MetricSources } from '../../observability/metrics/readings.ts';
import type { HistogramSink } from '../../observability/metrics/recorder.ts';
import { type HistogramName, METRICS, type MetricRow } from '../../observability/metrics/table.ts';

/** Sources in which every metric of the table has something to say. */
export const fullSources = (): MetricSources => {
  const counters = new Counters();
  counters.packets('gre-socket', 'in', 3, 300);
  counters.packets('sequence', 'in', 2, 0);
  counters.dropped('sequence', 'in', 'duplicate', 1);
  counters.fault('mppe', 'out');
  for (const [name, { from = {} }] of Object.entries(EVENT_METRICS)) {
    counters.event(name, Object.fromEntries(Object.keys(from).map((attribute) => [attribute, 'x'])));
  }
  counters.event('session.up', {});
  return {
    counters: counters.snapshot(),
    process: { cpu: 1.5, startTime: 1_700_000_000, rss: 64e6, heapUsed: 32e6, openDescriptors: 20 },
    eventLoop: { delay: { mean: 0.001, p50: 0.001, p99: 0.01, max: 0.02 }, active: 2, idle: 8 },
    kernel: { gre: { queuedIn: 512, queuedOut: 0, droppedIn: 7 }, tun: { droppedIn: 0, droppedOut: 3 } },
    versions: { gateway: '1.2.3', node: '20.19.0' },
    gateway: {
      settingUp: 1,
      up: 4,
      controlConnections: 6,
      setups: { running: 2, waiting: 1 },
      gre: { reordered: 5, lost: 2, windowTimeOuts: 1, windowSize: 64, inFlight: 12, held: 3, waiting: 9 },
      queues: [{ queue: 'control-frames', packets: 0, peak: 17, limit: 512 }],
      pools: [
        { family: 'ipv4', used: 5, size: 253 },
        { family: 'ipv6', used: 1, size: 1023 },
      ],
      tun: 'pptp0',
    },
    workers: { alive: 1, restarts: [0, 2] },
    life: { phases: ['starting', 'ready', 'draining', 'stopping'], phase: 'ready' },
  };
};

const ROWS: readonly MetricRow[] = METRICS;
export const isHistogram = (name: string): name is HistogramName =>
  ROWS.some((row) => row.name === name && row.kind === 'histogram');

/** One value in each histogram of the table. */
export const recordAll = (sink: HistogramSink, span?: SpanReference): void => {
  for (const { name, attributes } of ROWS) {
    if (!isHistogram(name)) continue;
    const values: MetricAttributes = Object.fromEntries(
      attributes.map((attribute) => [attribute, attribute === 'phase' ? SETUP_PHASES[0] : 'x']),
    );
    sink.record(name, 0.3, values, span);
  }
};
