import { describe, expect, test } from 'vitest';
import { promqlUse } from '../../support/promql.ts';

describe('what a PromQL expression refers to', () => {
  test.each([
    ['up', [{ name: 'up', labels: [] }], []],
    ['up{job="x", instance=~\'a.*\'} == 0', [{ name: 'up', labels: ['job', 'instance'] }], []],
    ['sum(rate(a_total[5m])) by (x, y)', [{ name: 'a_total', labels: [] }], ['x', 'y']],
    ['sum by (x) (rate(a_total{b!~"c}d"}[5m:1m] offset 15m)) > 1.5e3', [{ name: 'a_total', labels: ['b'] }], ['x']],
    [
      'histogram_quantile(0.95, sum by (le) (rate(a_bucket[$__rate_interval])))',
      [{ name: 'a_bucket', labels: [] }],
      ['le'],
    ],
    [
      'a / on (x) group_left (y) b unless ignoring (z) c or vector(0)',
      ['a', 'b', 'c'].map((name) => ({ name, labels: [] })),
      ['x', 'y', 'z'],
    ],
    ['-a ^ 2 and bool', [{ name: 'a', labels: [] }], []],
  ])('%s', (expression, metrics, grouping) => {
    expect(promqlUse(expression)).toEqual({ metrics, grouping });
  });

  test.each(['sum(a', 'a)', 'a{b="c"', 'a{b}', 'a{b="c" d="e"}', 'a # b', 'a ; b', '{a="b"}'])(
    '%s is refused',
    (bad) => {
      expect(() => promqlUse(bad)).toThrow();
    },
  );
});
