import { METRICS, type MetricRow, prometheusLabel } from '../../observability/metrics/table.ts';
import { promqlUse } from './promql.ts';

const rows: readonly MetricRow[] = METRICS;
const SERIES_OF_HISTOGRAM = ['_bucket', '_sum', '_count'];
/** Prometheus gives these to every series it reads. */
const TARGET_LABELS = ['job', 'instance'];

/** Every series that a gateway's page has, with its labels; `up` is made by Prometheus. */
const SERIES: ReadonlyMap<string, readonly string[]> = new Map([
  ['up', TARGET_LABELS],
  ...rows.flatMap(({ kind, prometheus, attributes }): [string, readonly string[]][] => {
    const labels = [...attributes.map(prometheusLabel), ...TARGET_LABELS];
    if (kind !== 'histogram') return [[prometheus, labels]];
    return SERIES_OF_HISTOGRAM.map((suffix) => [
      `${prometheus}${suffix}`,
      suffix === '_bucket' ? [...labels, 'le'] : labels,
    ]);
  }),
]);

/** The labels of a series of the gateway; undefined: it has no such series. */
export const labelsOfSeries = (name: string): readonly string[] | undefined => SERIES.get(name);

/** What an expression asks of the gateway that it does not have, in words. `legend`: labels that its result shall have. */
export const foreignNames = (expression: string, legend: readonly string[] = []): string[] => {
  const { metrics, grouping } = promqlUse(expression);
  const known = new Set(metrics.flatMap(({ name }) => SERIES.get(name) ?? []));
  const shown = grouping.length > 0 ? new Set(grouping) : known;
  return [
    ...metrics.flatMap(({ name, labels }) => {
      const own = SERIES.get(name);
      if (own === undefined) return [`no metric ${name}`];
      return labels.filter((label) => !own.includes(label)).map((label) => `${name} has no label ${label}`);
    }),
    ...grouping.filter((label) => !known.has(label)).map((label) => `nothing has the label ${label}`),
    ...legend.filter((label) => !shown.has(label)).map((label) => `the result has no label ${label}`),
  ];
};
