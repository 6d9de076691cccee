/** What several rounds of one measurement gave. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export const spread = (values: readonly number[]): Spread => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  const median = sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
  return { median, min: sorted[0] ?? 0, max: sorted.at(-1) ?? 0 };
};

const digits = (value: number): string => value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);

/** "213 (208–221)" */
export const showSpread = ({ median, min, max }: Spread): string => `${digits(median)} (${digits(min)}–${digits(max)})`;

/** Columns as wide as their widest cell; the first is flush left. */
export const showTable = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  '),
    )
    .join('\n');
};

/** As `showSpread`; nothing for what was not measured. */
export const showMaybe = (value: Spread | undefined): string => (value === undefined ? '' : showSpread(value));

/** `--name=number` of the command line. */
export const numberOption = (name: string, fallback: number): number => {
  const given = process.argv.find((word) => word.startsWith(`--${name}=`))?.split('=')[1];
  const value = Number(given ?? fallback);
  return Number.isFinite(value) && value > 0 ? value : fallback;
};

/** `--name=a,b` of the command line; undefined when it is not there. */
export const listOption = (name: string): readonly string[] | undefined =>
  process.argv
    .find((word) => word.startsWith(`--${name}=`))
    ?.slice(name.length + 3)
    .split(',');

export const wantsJson = (): boolean => process.argv.includes('--json');
