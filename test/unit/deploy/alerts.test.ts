import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { describeWithProgram } from '../../support/describe-program.ts';
import { foreignNames } from '../../support/metric-names.ts';

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string; readonly description: string };
}
interface Rules {
  readonly groups: readonly { readonly rules: readonly Alert[] }[];
}
interface RuleTests {
  readonly tests: readonly {
    readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts?: readonly unknown[] }[];
  }[];
}

const FOLDER = 'deploy/prometheus';
const read = (file: string): string => readFileSync(`${FOLDER}/${file}`, 'utf8');
const rules = parse(read('alerts.yml')) as Rules;
const tests = parse(read('alerts.test.yml')) as RuleTests;
const alerts = rules.groups.flatMap((group) => group.rules);

describe('alert rules', () => {
  test.each(alerts)('$alert asks only for metrics and labels that there are', ({ expr, annotations }) => {
    const shown = [...JSON.stringify(annotations).matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
    expect(foreignNames(expr, shown)).toEqual([]);
  });

  test('each has an example in which it fires', () => {
    const firing = tests.tests
      .flatMap(({ alert_rule_test: each }) => each)
      .filter(({ exp_alerts: expected = [] }) => expected.length > 0);
    expect([...new Set(firing.map(({ alertname }) => alertname))].toSorted()).toEqual(
      alerts.map(({ alert }) => alert).toSorted(),
    );
  });

  test('files of this repository that they name are there', () => {
    const named = [...read('alerts.yml').matchAll(/\b(?:deploy|docs)\/[\w./-]*\w/g)].map(([path]) => path);
    expect(named.filter((path) => !existsSync(path))).toEqual([]);
  });
});

describeWithProgram('promtool', 'promtool', () => {
  test.each([
    ['accepts the configuration and the rules', ['check', 'config', 'prometheus.yml']],
    ['finds nothing to say of the rules', ['check', 'rules', '--lint=all', '--lint-fatal', 'alerts.yml']],
    ['sees each alert fire when it should, and only then', ['test', 'rules', 'alerts.test.yml']],
  ])('%s', (_, args) => {
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: FOLDER, encoding: 'utf8' });
    expect({ status, said: `${stdout}${stderr}` }).toEqual({
      status: 0,
      said: expect.not.stringMatching(/FAILED|warning|error/i),
    });
  });
});
