import type { Direction } from '../../core/outcome.ts';
import type { CountersSnapshot } from '../counters.ts';
import type { EventLoopNumbers } from './event-loop.ts';
import { EVENT_METRICS, KNOWN_SERIES, metricAttributes } from './event-metrics.ts';
import type { GatewayNumbers } from './gateway-numbers.ts';
import type { KernelNumbers } from './kernel.ts';
import type { ProcessNumbers } from './process-numbers.ts';
import type { MetricAttribute, ReadMetric } from './table.ts';

export type MetricAttributes = Readonly<Partial<Record<MetricAttribute, string>>>;

export interface Reading {
  readonly value: number;
  readonly attributes: MetricAttributes;
}

/** By metric name. */
export type Readings = ReadonlyMap<string, readonly Reading[]>;

/** Of a process that has workers. */
export interface WorkerNumbers {
  readonly alive: number;
  /** Restarts of each, by index. */
  readonly restarts: readonly number[];
}

export interface MetricSources {
  readonly counters: CountersSnapshot;
  readonly process: ProcessNumbers;
  readonly eventLoop: EventLoopNumbers;
  readonly kernel: KernelNumbers;
  readonly versions: { readonly gateway: string; readonly node: string };
  /** Undefined before there is a gateway. */
  readonly gateway: GatewayNumbers | undefined;
  readonly workers?: WorkerNumbers | undefined;
  /** Of the gateway that this process is, or is the supervisor of. */
  readonly life?: LifeNumbers | undefined;
}

/** The phases that there are, and the one of now. */
export interface LifeNumbers {
  readonly phases: readonly string[];
  readonly phase: string;
}

class Collected {
  readonly values = new Map<ReadMetric, Reading[]>();

  add(name: ReadMetric, value: number, attributes: MetricAttributes = {}): void {
    const found = this.values.get(name);
    if (found === undefined) this.values.set(name, [{ value, attributes }]);
    else found.push({ value, attributes });
  }
}

/** All readings of the moment. A metric without a reading has nothing to say yet. */
export const collect = (sources: MetricSources): Readings => {
  const into = new Collected();
  collectStages(sources.counters, into);
  collectEvents(sources.counters, into);
  if (sources.gateway !== undefined) collectGateway(sources.gateway, sources.process, into);
  collectKernel(sources.kernel, into);
  collectProcess(sources, into);
  if (sources.workers !== undefined) collectWorkers(sources.workers, into);
  for (const phase of sources.life?.phases ?? [])
    into.add('pptp.life', phase === sources.life?.phase ? 1 : 0, { phase });
  return into.values;
};

const DIRECTIONS: readonly Direction[] = ['in', 'out'];
/** The two ends of the pipeline: only they count octets. */
const DEVICES: readonly string[] = ['gre-socket', 'tun'];

const collectStages = ({ stages }: CountersSnapshot, into: Collected): void => {
  for (const [stage, counts] of stages) {
    for (const direction of DIRECTIONS) {
      const { passed, octets, faults, dropped } = counts[direction];
      into.add('pptp.packets', passed, { stage, direction });
      into.add('pptp.stage.faults', faults, { stage, direction });
      if (DEVICES.includes(stage)) into.add('pptp.io', octets, { device: stage, direction });
      for (const [reason, count] of Object.entries(dropped)) {
        into.add('pptp.packets.dropped', count, { stage, direction, reason });
      }
    }
  }
};

const seriesKey = (metric: ReadMetric, attributes: MetricAttributes): string => JSON.stringify([metric, attributes]);

const collectEvents = ({ events }: CountersSnapshot, into: Collected): void => {
  const byName = new Map<string, number>();
  const bySeries = new Map<
    string,
    { readonly name: ReadMetric; readonly attributes: MetricAttributes; count: number }
  >();
  for (const { name, attributes, count } of events) {
    byName.set(name, (byName.get(name) ?? 0) + count);
    const own = EVENT_METRICS[name];
    if (own === undefined) continue;
    const labels = metricAttributes(own, attributes);
    const key = seriesKey(own.metric, labels);
    const series = bySeries.get(key);
    if (series === undefined) bySeries.set(key, { name: own.metric, attributes: labels, count });
    else series.count += count;
  }
  for (const [event, count] of byName) {
    bySeries.set(seriesKey('pptp.events', { event }), { name: 'pptp.events', attributes: { event }, count });
  }
  for (const { metric, attributes } of KNOWN_SERIES) {
    const key = seriesKey(metric, attributes);
    if (!bySeries.has(key)) bySeries.set(key, { name: metric, attributes, count: 0 });
  }
  for (const { name, attributes, count } of bySeries.values()) into.add(name, count, attributes);
};

const collectGateway = (gateway: GatewayNumbers, { rss, heapUsed }: ProcessNumbers, into: Collected): void => {
  const { gre } = gateway;
  const tunnels = gateway.settingUp + gateway.up;
  into.add('pptp.tunnels', gateway.settingUp, { state: 'setup' });
  into.add('pptp.tunnels', gateway.up, { state: 'up' });
  into.add('pptp.control.connections', gateway.controlConnections);
  into.add('pptp.setups.running', gateway.setups.running);
  into.add('pptp.setups.waiting', gateway.setups.waiting);
  into.add('pptp.gre.reordered', gre.reordered);
  into.add('pptp.gre.lost', gre.lost);
  into.add('pptp.gre.window.timeouts', gre.windowTimeOuts);
  into.add('pptp.gre.window.size', gre.windowSize);
  into.add('pptp.gre.window.in_flight', gre.inFlight);
  into.add('pptp.queue.packets', gre.held, { queue: 'reorder' });
  into.add('pptp.queue.packets', gre.waiting, { queue: 'transmit' });
  for (const { queue, packets, peak, limit } of gateway.queues) {
    into.add('pptp.queue.packets', packets, { queue });
    into.add('pptp.queue.peak', peak, { queue });
    into.add('pptp.queue.limit', limit, { queue });
  }
  for (const { family, used, size } of gateway.pools) {
    into.add('pptp.pool.used', used, { family });
    into.add('pptp.pool.size', size, { family });
  }
  if (tunnels === 0) return;
  into.add('pptp.tunnel.memory', rss / tunnels, { memory: 'rss' });
  into.add('pptp.tunnel.memory', heapUsed / tunnels, { memory: 'heap' });
};

const collectKernel = ({ gre, tun }: KernelNumbers, into: Collected): void => {
  if (gre !== undefined) {
    into.add('pptp.kernel.queue', gre.queuedIn, { device: 'gre-socket', direction: 'in' });
    into.add('pptp.kernel.queue', gre.queuedOut, { device: 'gre-socket', direction: 'out' });
    into.add('pptp.kernel.dropped', gre.droppedIn, { device: 'gre-socket', direction: 'in' });
  }
  if (tun !== undefined) {
    into.add('pptp.kernel.dropped', tun.droppedIn, { device: 'tun', direction: 'in' });
    into.add('pptp.kernel.dropped', tun.droppedOut, { device: 'tun', direction: 'out' });
  }
};

const collectWorkers = ({ alive, restarts }: WorkerNumbers, into: Collected): void => {
  into.add('pptp.workers.alive', alive);
  into.add('pptp.workers.wanted', restarts.length);
  restarts.forEach((count, index) => {
    into.add('pptp.workers.restarts', count, { worker: String(index) });
  });
};

const collectProcess = ({ process, eventLoop, versions }: MetricSources, into: Collected): void => {
  const { delay } = eventLoop;
  for (const statistic of ['mean', 'p50', 'p99', 'max'] as const) {
    into.add('pptp.eventloop.delay', delay[statistic], { statistic });
  }
  into.add('pptp.eventloop.time', eventLoop.active, { loop: 'active' });
  into.add('pptp.eventloop.time', eventLoop.idle, { loop: 'idle' });
  into.add('pptp.build.info', 1, { version: versions.gateway, node: versions.node });
  into.add('process.cpu.time', process.cpu);
  into.add('process.memory.usage', process.rss);
  into.add('v8js.memory.heap.used', process.heapUsed);
  into.add('process.start_time', process.startTime);
  if (process.openDescriptors !== undefined) {
    into.add('process.open_file_descriptor.count', process.openDescriptors);
  }
};
