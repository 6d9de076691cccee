import type { Circumstances } from './machine.ts';
import { showSpread, showTable } from './numbers.ts';
import type { Report } from './report.ts';
import { TARGETS, type TargetName } from './targets.ts';
import type { Verdict } from './verdicts.ts';

/** A benchmark that ended without a report. */
export interface FailedRun {
  readonly benchmark: string;
  readonly failed: string;
}

export interface TargetResult {
  readonly name: TargetName;
  readonly figure: string;
  readonly target: string;
  /** `open`: nothing measured it, or not the benchmark that would. */
  readonly state: 'met' | 'missed' | 'open';
  readonly verdicts: readonly Verdict[];
}

/** Everything that one run of `npm run bench` found. */
export interface ResultSet extends Circumstances {
  readonly format: 'pptp-gateway bench 1';
  /** Made by short measurements: only good to see that they work. */
  readonly quick: boolean;
  readonly seconds: number;
  /** The load average when it began. */
  readonly loadBefore: number;
  readonly benchmarks: readonly (Report | FailedRun)[];
  readonly targets: readonly TargetResult[];
}

/** What the benchmarks say of the targets; what a later one says of a figure counts. */
export const targetsOf = (benchmarks: readonly (Report | FailedRun)[]): readonly TargetResult[] => {
  const said = benchmarks.flatMap((one) => ('verdicts' in one ? one.verdicts : []));
  const all = [...new Map(said.map((one) => [one.figure, one])).values()];
  return (Object.keys(TARGETS) as TargetName[]).map((name) => {
    const verdicts = all.filter(({ of }) => of === name);
    const state = verdicts.length === 0 ? 'open' : verdicts.every(({ met }) => met) ? 'met' : 'missed';
    return { name, ...TARGETS[name], state, verdicts };
  });
};

export const resultSet = (
  about: Circumstances & Pick<ResultSet, 'quick' | 'seconds' | 'loadBefore'>,
  benchmarks: readonly (Report | FailedRun)[],
): ResultSet => ({ format: 'pptp-gateway bench 1', ...about, benchmarks, targets: targetsOf(benchmarks) });

const STATES = { met: 'yes', missed: 'NO', open: 'not measured' } as const;

/** Of each target: what it is, or with a line each what it was judged by; whether it is met. */
export const targetRows = (targets: readonly TargetResult[]): readonly (readonly string[])[] =>
  targets.flatMap(({ figure, target, state, verdicts }) => [
    [figure, '', target, STATES[state]],
    ...verdicts.map((one) => [
      `- ${one.figure}`,
      showSpread(one.value),
      one.target.replace('>=', '≥').replace('<=', '≤'),
      `${one.met ? 'yes' : 'NO'}${one.clear ? '' : ', not in each round'}`,
    ]),
  ]);

/** What ends the output of the whole set. */
export const showResultSet = ({ targets, benchmarks, quick, seconds }: ResultSet): string => {
  const failed = benchmarks.flatMap((one) => ('failed' in one ? [`${one.benchmark}: FAILED: ${one.failed}`] : []));
  const skipped = benchmarks.flatMap((one) => ('skipped' in one ? [`${one.benchmark}: skipped: ${one.skipped}`] : []));
  const judged = targets.filter(({ state }) => state !== 'open');
  const open = targets.filter(({ state }) => state === 'open').map(({ figure }) => `not measured: ${figure}`);
  const table = showTable([['target', 'median (min–max)', 'wanted', 'met'], ...targetRows(judged)]);
  const remark = quick ? ['Short measurements: they show that everything works, and nothing else.'] : [];
  const count = `${benchmarks.length - failed.length - skipped.length} of ${benchmarks.length} benchmarks, ${seconds.toFixed(0)} s`;
  return [table, ...open, '', ...remark, ...failed, ...skipped, count].join('\n');
};
