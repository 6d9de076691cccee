import { DROP_REASONS } from '../../core/outcome.ts';
import { AUTH_DENIALS } from '../../core/ports/auth.ts';
import { CLEAR_REASONS } from '../../core/ports/control.ts';
import { SETUP_PHASES } from '../../core/ports/telemetry.ts';

export interface AttributeRow {
  readonly description: string;
  /** All there can be; undefined where plug-ins, stages or machines bring their own. Never a user or an address. */
  readonly values?: readonly string[];
}

/** Attributes of metrics; a Prometheus label has the same name, with `_` for a dot. */
export const METRIC_ATTRIBUTES = {
  state: {
    description: 'Before or after the network of the tunnel first came up.',
    values: ['setup', 'up'],
  },
  outcome: { description: 'How it ended.', values: ['ok', 'failed'] },
  phase: {
    description: 'Phase of a set-up; `none` when the set-up failed between two.',
    values: [...SETUP_PHASES, 'none'],
  },
  method: {
    description:
      'Authentication method as `PPTP_AUTH_METHODS` names it; `none` when the set-up ended before one was used.',
  },
  'error.type': {
    description: 'The protocol’s own code or a stable word, as in the trace; see docs/traces.md.',
  },
  reason: {
    description: `Why. Drops: ${DROP_REASONS.join(', ')}. Ends of tunnels: ${CLEAR_REASONS.join(', ')}. Refused connections: ipv6, stopping, denied, limit, limit-per-source, limit-unauthenticated, limit-unauthenticated-per-source, made-room, rate-per-source, limit-setup-queue, limit-setup-wait.`,
  },
  stage: {
    description:
      'Stage of the pipeline, or the device at either end: gre-socket, gre, call-demux, sequence, gre-window, acknowledgments, ppp, control-frames, mppe, mss-clamp, mtu, peer-packets, address, intranet-packets, tun, and stages of plug-ins.',
  },
  direction: { description: 'From the peer, or to it.', values: ['in', 'out'] },
  device: { description: 'End of the pipeline.', values: ['gre-socket', 'tun'] },
  protocol: { description: 'Whose echo.', values: ['lcp', 'control'] },
  result: {
    description:
      '`ok`, or the denial: bad-credentials, expired, locked, unavailable, proof-refused, change-refused. A back-end may also say unknown-user.',
    values: ['ok', ...AUTH_DENIALS, 'unknown-user'],
  },
  backend: { description: 'Name of the back-end, as its plug-in gives it.' },
  message: { description: 'Control message type, by its name in RFC 2637 in lower case; `unknown` for others.' },
  event: { description: 'Name of the event, as in the log.' },
  queue: {
    description:
      'Outboxes of the gateway (control-frames, acknowledgments, peer-packets, intranet-packets), packets held for reordering, packets that wait for the peer’s window.',
    values: ['control-frames', 'acknowledgments', 'peer-packets', 'intranet-packets', 'reorder', 'transmit'],
  },
  family: { description: 'Of inner addresses.', values: ['ipv4', 'ipv6'] },
  memory: { description: 'Resident set or JavaScript heap.', values: ['rss', 'heap'] },
  statistic: { description: 'Of the delays in the last ten seconds.', values: ['mean', 'p50', 'p99', 'max'] },
  loop: { description: 'What the event loop did.', values: ['active', 'idle'] },
  worker: {
    description:
      'Index of a worker process, from 0, or `supervisor`. Metrics of processes have it with PPTP_WORKERS above 1 only.',
  },
  version: { description: 'Version of the gateway.' },
  node: { description: 'Version of Node.' },
} as const satisfies Readonly<Record<string, AttributeRow>>;

export type MetricAttribute = keyof typeof METRIC_ATTRIBUTES;
