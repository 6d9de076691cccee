import { isMetricsSnapshot, type MetricsSnapshot } from '../../../observability/metrics/snapshot.ts';
import { type Ask, isNothing } from '../ask.ts';

/** The supervisor asks a worker for its metrics. */
export const METRICS: Ask<undefined, MetricsSnapshot> = {
  name: 'metrics',
  isBody: isNothing,
  isAnswer: isMetricsSnapshot,
};
