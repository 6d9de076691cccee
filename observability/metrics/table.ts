import { METRIC_ATTRIBUTES, type MetricAttribute } from './attributes.ts';

/**
 * `counter` only grows while the process lives, `gauge` is the value of the moment (`sum`: values of several gateways
 * may be added), `histogram` has a bucket for each of `buckets`.
 */
export type MetricKind = 'counter' | 'gauge' | 'sum' | 'histogram';

/**
 * How the values of several worker processes become one on the page for Prometheus: their `sum`, their `max`, or `each`
 * with the label `worker`. Histograms are always summed.
 */
export type WorkerMerge = 'sum' | 'max' | 'each';

export interface MetricRow {
  /** The OpenTelemetry name. */
  readonly name: string;
  /** The same in Prometheus: `prometheusName` is the rule, and process metrics keep the names everybody knows. */
  readonly prometheus: string;
  readonly kind: MetricKind;
  /** UCUM; `{word}` counts things. */
  readonly unit: string;
  readonly description: string;
  readonly attributes: readonly MetricAttribute[];
  /** Upper bounds, in the unit. */
  readonly buckets?: readonly number[];
  /** `sum` if left out. Rows of `each` have `worker` among their attributes. */
  readonly workers?: WorkerMerge;
}

const SETUP_SECONDS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60];
const ROUND_TRIP_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const TUNNEL_SECONDS = [1, 10, 60, 300, 1800, 3600, 14_400, 28_800, 86_400, 604_800];

/** Every metric of the gateway: docs/metrics.md is made from it, and both exporters offer these and no others. */
export const METRICS = [
  {
    name: 'pptp.tunnels',
    prometheus: 'pptp_tunnels',
    kind: 'sum',
    unit: '{tunnel}',
    description: 'Tunnels whose call is up.',
    attributes: ['state'],
  },
  {
    name: 'pptp.tunnel.setup.duration',
    prometheus: 'pptp_tunnel_setup_duration_seconds',
    kind: 'histogram',
    unit: 's',
    description: 'From the first octet of the control connection until the tunnel is up, or its set-up has failed.',
    attributes: ['outcome', 'method'],
    buckets: SETUP_SECONDS,
  },
  {
    name: 'pptp.tunnel.setup.phase.duration',
    prometheus: 'pptp_tunnel_setup_phase_duration_seconds',
    kind: 'histogram',
    unit: 's',
    description: 'One phase of a set-up. Phases may overlap (CCP and IPCP).',
    attributes: ['phase', 'outcome', 'method'],
    buckets: SETUP_SECONDS,
  },
  {
    name: 'pptp.tunnel.setup.failures',
    prometheus: 'pptp_tunnel_setup_failures_total',
    kind: 'counter',
    unit: '{failure}',
    description:
      'Set-ups that failed, by the phase that failed first and its cause. Control connections without a call are among them as far as they are traced.',
    attributes: ['phase', 'error.type'],
  },
  {
    name: 'pptp.tunnel.duration',
    prometheus: 'pptp_tunnel_duration_seconds',
    kind: 'histogram',
    unit: 's',
    description: 'Life of calls that have ended, from their beginning, and why they ended.',
    attributes: ['reason'],
    buckets: TUNNEL_SECONDS,
  },
  {
    name: 'pptp.packets',
    prometheus: 'pptp_packets_total',
    kind: 'counter',
    unit: '{packet}',
    description:
      'Packets that left a stage alive, those that it held for a while or made itself included. For a device: received from it, or taken by it.',
    attributes: ['stage', 'direction'],
  },
  {
    name: 'pptp.packets.dropped',
    prometheus: 'pptp_packets_dropped_total',
    kind: 'counter',
    unit: '{packet}',
    description:
      'Packets dropped, each counted once. GRE duplicates and late packets are the reasons `duplicate` and `late` of the stage `sequence`.',
    attributes: ['stage', 'direction', 'reason'],
  },
  {
    name: 'pptp.io',
    prometheus: 'pptp_io_bytes_total',
    kind: 'counter',
    unit: 'By',
    description:
      'Octets received from a device or taken by it: GRE packets without their outer IP header (`gre-socket`), inner IP packets (`tun`).',
    attributes: ['device', 'direction'],
  },
  {
    name: 'pptp.stage.faults',
    prometheus: 'pptp_stage_faults_total',
    kind: 'counter',
    unit: '{fault}',
    description: 'Times that a stage threw: bugs. Each packet is also a drop with the reason `stage-fault`.',
    attributes: ['stage', 'direction'],
  },
  {
    name: 'pptp.gre.reordered',
    prometheus: 'pptp_gre_reordered_total',
    kind: 'counter',
    unit: '{packet}',
    description: 'GRE packets that came too early and were held until those before them had come or were given up.',
    attributes: [],
  },
  {
    name: 'pptp.gre.lost',
    prometheus: 'pptp_gre_lost_total',
    kind: 'counter',
    unit: '{packet}',
    description: 'GRE sequence numbers that were waited for in vain: lost on the way, or late.',
    attributes: [],
  },
  {
    name: 'pptp.gre.window.timeouts',
    prometheus: 'pptp_gre_window_timeouts_total',
    kind: 'counter',
    unit: '{timeout}',
    description: 'Times that a peer did not acknowledge in time and its window was halved (PPTP_GRE_WINDOW=on).',
    attributes: [],
  },
  {
    name: 'pptp.gre.window.size',
    prometheus: 'pptp_gre_window_size',
    kind: 'sum',
    unit: '{packet}',
    description: 'Packets that may be on the way unacknowledged, all tunnels together (PPTP_GRE_WINDOW=on).',
    attributes: [],
  },
  {
    name: 'pptp.gre.window.in_flight',
    prometheus: 'pptp_gre_window_in_flight',
    kind: 'sum',
    unit: '{packet}',
    description: 'Packets that are on the way unacknowledged, all tunnels together (PPTP_GRE_WINDOW=on).',
    attributes: [],
  },
  {
    name: 'pptp.mppe.resets',
    prometheus: 'pptp_mppe_resets_total',
    kind: 'counter',
    unit: '{reset}',
    description: 'CCP Reset-Requests: `out` when we lost synchronisation, `in` when the peer did.',
    attributes: ['direction'],
  },
  {
    name: 'pptp.echo.duration',
    prometheus: 'pptp_echo_duration_seconds',
    kind: 'histogram',
    unit: 's',
    description: 'From an Echo-Request of ours to its Echo-Reply. A busy link sends none.',
    attributes: ['protocol'],
    buckets: ROUND_TRIP_SECONDS,
  },
  {
    name: 'pptp.auth.attempts',
    prometheus: 'pptp_auth_attempts_total',
    kind: 'counter',
    unit: '{attempt}',
    description: 'Authentication attempts that were judged.',
    attributes: ['method', 'result'],
  },
  {
    name: 'pptp.auth.backend.duration',
    prometheus: 'pptp_auth_backend_duration_seconds',
    kind: 'histogram',
    unit: 's',
    description: 'How long a back-end took to answer.',
    attributes: ['backend', 'result'],
    buckets: ROUND_TRIP_SECONDS,
  },
  {
    name: 'pptp.control.connections',
    prometheus: 'pptp_control_connections',
    kind: 'sum',
    unit: '{connection}',
    description: 'TCP connections of control connections, those without a call included.',
    attributes: [],
  },
  {
    name: 'pptp.control.messages',
    prometheus: 'pptp_control_messages_total',
    kind: 'counter',
    unit: '{message}',
    description: 'Control messages (RFC 2637 section 2) received and sent.',
    attributes: ['message', 'direction'],
  },
  {
    name: 'pptp.control.refused',
    prometheus: 'pptp_control_refused_total',
    kind: 'counter',
    unit: '{connection}',
    description:
      'Control connections that were closed on arrival, refused because too many clients called at once, or ended without a user for another one (`made-room`).',
    attributes: ['reason'],
  },
  {
    name: 'pptp.life',
    prometheus: 'pptp_life',
    kind: 'gauge',
    unit: '1',
    description:
      'Where the gateway is in its life: 1 for the phase that it is in, 0 for the others (docs/life-cycle.md).',
    attributes: ['phase'],
    workers: 'max',
  },
  {
    name: 'pptp.setups.running',
    prometheus: 'pptp_setups_running',
    kind: 'sum',
    unit: '{setup}',
    description: 'Set-ups that have been let in and hold a place: the tunnel is not up yet, and it is not long ago.',
    attributes: [],
  },
  {
    name: 'pptp.setups.waiting',
    prometheus: 'pptp_setups_waiting',
    kind: 'sum',
    unit: '{setup}',
    description: 'Clients that wait for their set-up to begin, because more call than can be set up at once.',
    attributes: [],
  },
  {
    name: 'pptp.control.without_call',
    prometheus: 'pptp_control_without_call_total',
    kind: 'counter',
    unit: '{connection}',
    description: 'Control connections that ended without a call, and why; port scanners are most of them.',
    attributes: ['error.type'],
  },
  {
    name: 'pptp.ppp.ignored',
    prometheus: 'pptp_ppp_ignored_total',
    kind: 'counter',
    unit: '{frame}',
    description: 'PPP control frames that changed nothing.',
    attributes: ['reason'],
  },
  {
    name: 'pptp.events',
    prometheus: 'pptp_events_total',
    kind: 'counter',
    unit: '{event}',
    description: 'Events worth counting, by name, those that have a metric of their own included.',
    attributes: ['event'],
  },
  {
    name: 'pptp.queue.packets',
    prometheus: 'pptp_queue_packets',
    kind: 'sum',
    unit: '{packet}',
    description: 'Packets that wait in a queue of the gateway, all tunnels together.',
    attributes: ['queue'],
  },
  {
    name: 'pptp.queue.peak',
    prometheus: 'pptp_queue_peak',
    kind: 'gauge',
    unit: '{packet}',
    description: 'Most packets that waited at once since the start, of queues that are emptied in the same turn.',
    attributes: ['queue'],
    workers: 'max',
  },
  {
    name: 'pptp.queue.limit',
    prometheus: 'pptp_queue_limit',
    kind: 'gauge',
    unit: '{packet}',
    description: 'Packets that such a queue holds; more are drops with the reason `queue-full`.',
    attributes: ['queue'],
    workers: 'max',
  },
  {
    name: 'pptp.kernel.queue',
    prometheus: 'pptp_kernel_queue_bytes',
    kind: 'sum',
    unit: 'By',
    description: 'Octets in the kernel queues of the GRE socket (`in`: not read yet, `out`: not sent yet).',
    attributes: ['device', 'direction'],
  },
  {
    name: 'pptp.kernel.dropped',
    prometheus: 'pptp_kernel_dropped_total',
    kind: 'counter',
    unit: '{packet}',
    description:
      'Packets that the kernel dropped at a device: its queue was full because the gateway did not read fast enough, or the TUN device was down (`in`: those are also drops with the reason `device-refused`).',
    attributes: ['device', 'direction'],
  },
  {
    name: 'pptp.pool.used',
    prometheus: 'pptp_pool_used',
    kind: 'sum',
    unit: '{address}',
    description: 'Inner addresses (IPv6: prefixes) in use.',
    attributes: ['family'],
  },
  {
    name: 'pptp.pool.size',
    prometheus: 'pptp_pool_size',
    kind: 'sum',
    unit: '{address}',
    description: 'Inner addresses (IPv6: prefixes) that the pool has for clients.',
    attributes: ['family'],
  },
  {
    name: 'pptp.tunnel.memory',
    prometheus: 'pptp_tunnel_memory_bytes',
    kind: 'gauge',
    unit: 'By',
    description:
      'Memory of the whole process divided by its tunnels: an upper bound of what one costs, good with many tunnels only. Absent without any.',
    attributes: ['memory'],
    workers: 'max',
  },
  {
    name: 'pptp.eventloop.delay',
    prometheus: 'pptp_eventloop_delay_seconds',
    kind: 'gauge',
    unit: 's',
    description: 'How late timers of the process ran, over the last ten seconds. Packets wait as long.',
    attributes: ['statistic'],
    workers: 'max',
  },
  {
    name: 'pptp.eventloop.time',
    prometheus: 'pptp_eventloop_time_seconds_total',
    kind: 'counter',
    unit: 's',
    description: 'Time that the event loop worked and time that it waited.',
    attributes: ['loop', 'worker'],
    workers: 'each',
  },
  {
    name: 'pptp.workers.alive',
    prometheus: 'pptp_workers_alive',
    kind: 'sum',
    unit: '{process}',
    description: 'Worker processes that are there and take calls (PPTP_WORKERS above 1).',
    attributes: [],
  },
  {
    name: 'pptp.workers.wanted',
    prometheus: 'pptp_workers_wanted',
    kind: 'sum',
    unit: '{process}',
    description: 'Worker processes that there should be, as PPTP_WORKERS says.',
    attributes: [],
  },
  {
    name: 'pptp.workers.restarts',
    prometheus: 'pptp_workers_restarts_total',
    kind: 'counter',
    unit: '{restart}',
    description: 'Times that a worker process had to be started again. Each has cost the tunnels that it had.',
    attributes: ['worker'],
  },
  {
    name: 'pptp.build.info',
    prometheus: 'pptp_build_info',
    kind: 'gauge',
    unit: '1',
    description: 'Always 1: the version of the gateway and of Node.',
    attributes: ['version', 'node'],
    workers: 'max',
  },
  {
    name: 'process.cpu.time',
    prometheus: 'process_cpu_seconds_total',
    kind: 'counter',
    unit: 's',
    description: 'Processor time of the process, user and system.',
    attributes: ['worker'],
    workers: 'each',
  },
  {
    name: 'process.memory.usage',
    prometheus: 'process_resident_memory_bytes',
    kind: 'sum',
    unit: 'By',
    description: 'Physical memory of the process.',
    attributes: ['worker'],
    workers: 'each',
  },
  {
    name: 'v8js.memory.heap.used',
    prometheus: 'nodejs_heap_size_used_bytes',
    kind: 'sum',
    unit: 'By',
    description: 'JavaScript heap in use.',
    attributes: ['worker'],
    workers: 'each',
  },
  {
    name: 'process.open_file_descriptor.count',
    prometheus: 'process_open_fds',
    kind: 'sum',
    unit: '{file_descriptor}',
    description: 'Open file descriptors of the process.',
    attributes: ['worker'],
    workers: 'each',
  },
  {
    name: 'process.start_time',
    prometheus: 'process_start_time_seconds',
    kind: 'gauge',
    unit: 's',
    description: 'When the process began, in seconds since 1970.',
    attributes: ['worker'],
    workers: 'each',
  },
] as const satisfies readonly MetricRow[];

type Row = (typeof METRICS)[number];
export type MetricName = Row['name'];
/** Metrics that are recorded when something has taken its time. */
export type HistogramName = Extract<Row, { readonly kind: 'histogram' }>['name'];
/** All others: their values are looked up when somebody asks. */
export type ReadMetric = Exclude<MetricName, HistogramName>;

const SUFFIX: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes' };

/** The Prometheus name that belongs to a row: dots become underscores, the base unit follows, and `_total` at a counter. */
export const prometheusName = ({ name, unit, kind }: Pick<MetricRow, 'name' | 'unit' | 'kind'>): string =>
  `${name.replaceAll('.', '_')}${SUFFIX[unit] ?? ''}${kind === 'counter' ? '_total' : ''}`;

/** Prometheus labels have no dots. */
export const prometheusLabel = (attribute: string): string => attribute.replaceAll('.', '_');

export { METRIC_ATTRIBUTES, type MetricAttribute };
