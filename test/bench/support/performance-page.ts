import { busyRemark } from './machine.ts';
import type { Report, Table } from './report.ts';
import { type FailedRun, type ResultSet, targetRows, targetsOf } from './result-set.ts';

const BEGIN = '<!-- results: written by `node setup/docs.mjs --performance`, do not edit -->';
const END = '<!-- end of results -->';

const cell = (text: string): string => text.replaceAll('|', '\\|');
const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;

const markdownTable = (rows: readonly (readonly string[])[]): readonly string[] => {
  const [head = [], ...rest] = rows;
  return [row(head), `|${head.map((_, at) => (at === 0 ? '---' : '---:')).join('|')}|`, ...rest.map(row), ''];
};

const tableLines = ({ title, rows }: Table): readonly string[] =>
  rows.length < 2 ? [] : [...(title === undefined ? [] : [`${title}:`, '']), ...markdownTable(rows)];

const sectionOf = (report: Report | FailedRun): readonly string[] => {
  if ('failed' in report) return [`### ${report.benchmark}`, '', `Failed: ${report.failed}`, ''];
  const source = `\`${report.command}\` at ${report.date}, commit ${report.commit}, ${report.seconds.toFixed(0)} s`;
  if ('skipped' in report) return [`### ${report.benchmark}`, '', `${source}: skipped: ${report.skipped}`, ''];
  const remark = busyRemark(report.others);
  return [
    `### ${report.title}`,
    '',
    `${source}.`,
    '',
    ...report.about.map((sentence) => `- ${sentence}`),
    ...(remark === undefined ? [] : [`- ${remark}`]),
    '',
    ...report.tables.flatMap(tableLines),
  ];
};

type Found = Report | FailedRun;

/** The same command again, or a success where it had failed. */
const replaces = (later: Found, one: Found): boolean =>
  later.benchmark === one.benchmark &&
  !('failed' in later) &&
  ('failed' in one || ('command' in later && 'command' in one && later.command === one.command));

/** What counts of several runs: the last of each command, those of one benchmark together. */
const merge = (sets: readonly ResultSet[]): readonly Found[] => {
  const all = sets.flatMap(({ benchmarks }) => benchmarks);
  const kept = all.filter((one, at) => !all.slice(at + 1).some((later) => replaces(later, one)));
  const names = [...new Set(all.map(({ benchmark }) => benchmark))];
  return names.flatMap((name) => kept.filter(({ benchmark }) => benchmark === name));
};

/** Of several runs on one machine; what a later one found takes the place of what an earlier one did. */
export const performanceResults = (sets: readonly [ResultSet, ...ResultSet[]]): string => {
  const [first] = sets;
  const benchmarks = merge(sets);
  const runs = sets.map(
    ({ command, date, commit, seconds, loadBefore, quick }) =>
      `- \`${command}\` at ${date}, commit ${commit}; ${seconds.toFixed(0)} s; load before ${loadBefore.toFixed(2)}` +
      `${quick ? '. Short measurements, good for nothing but to see that they work' : ''}.`,
  );
  return [
    `${first.cpus} × ${first.cpu}, ${first.memoryGib} GiB, Linux ${first.kernel}, Node ${first.node}.`,
    '',
    ...runs,
    '',
    'Each figure is the median of its rounds, with the smallest and the largest in brackets.',
    '',
    '### Targets',
    '',
    ...markdownTable([['target', 'median (min–max)', 'wanted', 'met'], ...targetRows(targetsOf(benchmarks))]),
    ...benchmarks.flatMap(sectionOf),
  ]
    .join('\n')
    .trimEnd();
};

/** The page with these results in place of those that it had. Undefined: the page has no place for results. */
export const withResults = (page: string, results: string): string | undefined => {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) return undefined;
  return `${page.slice(0, begin)}${BEGIN}\n\n${results}\n\n${page.slice(end)}`;
};

/** The results in a file of `npm run bench -- --json`; undefined when it is something else. */
export const readResultSet = (text: string): ResultSet | undefined => {
  try {
    const value: Partial<ResultSet> | null = JSON.parse(text);
    return value?.format === 'pptp-gateway bench 1' ? (value as ResultSet) : undefined;
  } catch {
    return undefined;
  }
};
