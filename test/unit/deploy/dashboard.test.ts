import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { METRICS } from '../../../observability/metrics/table.ts';
import { foreignNames, labelsOfSeries } from '../../support/metric-names.ts';
import { promqlUse } from '../../support/promql.ts';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[];
}
interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}

const text = readFileSync('deploy/grafana/dashboards/pptp-gateway.json', 'utf8');
const dashboard = JSON.parse(text) as Dashboard;
const { panels } = dashboard;
const charts = panels.filter(({ type }) => type !== 'row');

describe('the Grafana dashboard', () => {
  test.each(charts)('$title asks only for metrics and labels that there are', ({ targets = [], description = '' }) => {
    expect(targets.length).toBeGreaterThan(0);
    expect(description).not.toBe('');
    for (const { expr, legendFormat } of targets) {
      const legend = [...legendFormat.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, label = '']) => label);
      expect(foreignNames(expr, legend), expr).toEqual([]);
      // Every panel follows the choice of gateways.
      expect(expr.match(/\{[^}]*\}/g)).toEqual(expr.match(/\{instance=~"\$instance"[^}]*\}/g));
    }
  });

  test('its variables are those that it uses', () => {
    const defined = dashboard.templating.list.map(({ name }) => name);
    const used = [...text.matchAll(/\$(?:\{(\w+)\}|(\w+))/g)]
      .map(([, braced, bare]) => braced ?? bare ?? '')
      .filter((name) => !name.startsWith('__'));
    expect([...new Set(used)].toSorted()).toEqual(defined.toSorted());
    for (const { definition } of dashboard.templating.list) {
      if (definition === undefined) continue;
      const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(definition) ?? [];
      expect(labelsOfSeries(metric)).toContain(label);
    }
  });

  test('no two panels overlap, and none has the number of another', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.get(`${x},${y}`), `${title} at ${x},${y}`).toBeUndefined();
          taken.set(`${x},${y}`, title);
        }
      }
    }
  });

  test.each(METRICS.map(({ prometheus }) => prometheus))('shows %s', (metric) => {
    const names = charts.flatMap(({ targets = [] }) => targets).flatMap(({ expr }) => promqlUse(expr).metrics);
    expect(names.some(({ name }) => name === metric || name.replace(/_(bucket|count|sum)$/, '') === metric)).toBe(true);
  });
});
