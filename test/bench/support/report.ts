import { writeFile } from 'node:fs/promises';
import { benchCommand, busyRemark, type Circumstances, circumstances, type OtherWork, watchOthers } from './machine.ts';
import { showTable, wantsJson } from './numbers.ts';
import { type Verdict, verdictRows } from './verdicts.ts';

/** The first row has the names of the columns. */
export interface Table {
  readonly title?: string;
  readonly rows: readonly (readonly string[])[];
}

/** What a benchmark found. */
export interface Outcome {
  readonly title: string;
  /** What was measured and how, a sentence or two each. */
  readonly about: readonly string[];
  readonly tables: readonly Table[];
  readonly verdicts: readonly Verdict[];
  /** All of it for programs. */
  readonly numbers: Readonly<Record<string, unknown>>;
}

/** It could not run here. */
export interface Skipped {
  readonly skipped: string;
}

interface Envelope extends Circumstances {
  readonly benchmark: string;
  /** How long it took. */
  readonly seconds: number;
  readonly others: OtherWork | undefined;
}

export type Report = Envelope & (Outcome | Skipped);

/** What people read. */
export const showReport = (report: Report): string => {
  const head = [`${report.date}  ${report.machine}, commit ${report.commit}`, report.command];
  const remark = busyRemark(report.others);
  if (remark !== undefined) head.push(remark);
  if ('skipped' in report) return [...head, `skipped: ${report.skipped}`].join('\n');
  const tables = report.tables
    .filter(({ rows }) => rows.length > 1)
    .map(({ title, rows }) => `${title === undefined ? '' : `${title}\n`}${showTable(rows)}`);
  if (report.verdicts.length > 0) tables.push(showTable(verdictRows(report.verdicts)));
  return [[...head, ...report.about].join('\n'), ...tables].join('\n\n');
};

/**
 * Runs a benchmark and reports: with `--json` as JSON, else as tables. PPTP_BENCH_REPORT names a file for the JSON, which
 * is how the whole set is collected.
 */
export const runBench = async (benchmark: string, work: () => Outcome | Skipped | Promise<Outcome | Skipped>) => {
  const about = circumstances(benchCommand(process.argv.slice(1)));
  const finished = await watchOthers();
  const began = performance.now();
  const outcome = await work();
  const report: Report = {
    ...about,
    benchmark,
    seconds: Math.round((performance.now() - began) / 100) / 10,
    others: finished(),
    ...outcome,
  };
  const json = `${JSON.stringify(report, undefined, 2)}\n`;
  const file = process.env['PPTP_BENCH_REPORT'];
  if (file !== undefined) await writeFile(file, json);
  process.stdout.write(wantsJson() ? json : `${showReport(report)}\n`);
};
