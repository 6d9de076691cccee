import type { Attributes } from '../../core/ports/telemetry.ts';
import { NO_CALL_WORDS } from '../error-words.ts';
import type { MetricAttribute, ReadMetric } from './table.ts';

interface EventMetric {
  readonly metric: ReadMetric;
  /** Attributes of the metric, by the attribute of the event that they are taken from. */
  readonly from?: Readonly<Record<string, MetricAttribute>>;
  readonly fixed?: Readonly<Partial<Record<MetricAttribute, string>>>;
}

/** Events that have a metric of their own. Of such an event nothing else is kept: what a peer sends must not become labels. */
export const EVENT_METRICS: Readonly<Record<string, EventMetric>> = {
  'setup.failed': {
    metric: 'pptp.tunnel.setup.failures',
    from: { phase: 'phase', 'error.type': 'error.type' },
  },
  'auth.failed': { metric: 'pptp.auth.attempts', from: { method: 'method', denial: 'result' } },
  'auth.succeeded': { metric: 'pptp.auth.attempts', from: { method: 'method' }, fixed: { result: 'ok' } },
  'mppe.reset-needed': { metric: 'pptp.mppe.resets', fixed: { direction: 'out' } },
  'mppe.reset-requested': { metric: 'pptp.mppe.resets', fixed: { direction: 'in' } },
  'control.message': { metric: 'pptp.control.messages', from: { message: 'message', direction: 'direction' } },
  'control.connection-refused': { metric: 'pptp.control.refused', from: { reason: 'reason' } },
  'control.no-call': { metric: 'pptp.control.without_call', from: { error: 'error.type' } },
  'ppp.ignored': { metric: 'pptp.ppp.ignored', from: { why: 'reason' } },
};

interface Series {
  readonly metric: ReadMetric;
  readonly attributes: Readonly<Partial<Record<MetricAttribute, string>>>;
}

const each = (metric: ReadMetric, attribute: MetricAttribute, values: readonly string[]): readonly Series[] =>
  values.map((value) => ({ metric, attributes: { [attribute]: value } }));

const REFUSED_CONNECTIONS = [
  'ipv6',
  'stopping',
  'denied',
  'limit',
  'limit-per-source',
  'limit-unauthenticated',
  'limit-unauthenticated-per-source',
  'made-room',
  'rate-per-source',
  'limit-setup-queue',
  'limit-setup-wait',
];

/**
 * Series whose labels are known from the start: they are there from the start, at 0. One that came with its first event
 * would have no increase then, and an alert would miss it.
 */
export const KNOWN_SERIES: readonly Series[] = [
  ...each('pptp.control.without_call', 'error.type', NO_CALL_WORDS),
  ...each('pptp.control.refused', 'reason', REFUSED_CONNECTIONS),
  ...each('pptp.mppe.resets', 'direction', ['in', 'out']),
  ...each('pptp.events', 'event', ['gre.blocked']),
];

/** What a counter says of an event that has too many different values. */
const OTHER = 'other';

/** The attributes of an event that are worth keeping. */
export const keptAttributes = (name: string, attributes: Attributes): Attributes => {
  const metric = EVENT_METRICS[name];
  if (metric === undefined) return attributes;
  const kept: Record<string, string | number | boolean> = {};
  for (const attribute of Object.keys(metric.from ?? {})) {
    const value = attributes[attribute];
    if (value !== undefined) kept[attribute] = value;
  }
  return kept;
};

/** The metric's attributes of a counted event. */
export const metricAttributes = (metric: EventMetric, attributes: Attributes): Readonly<Record<string, string>> => {
  const labels: Record<string, string> = { ...metric.fixed };
  for (const [from, to] of Object.entries(metric.from ?? {})) labels[to] = String(attributes[from] ?? OTHER);
  return labels;
};
