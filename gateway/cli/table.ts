import { cutText, padLeft, padRight, safeText, textWidth } from './text.ts';

/** A column of a table: its title, and what stands in it for a row. */
export interface Column<Row> {
  readonly title: string;
  /** Numbers, and whatever else is compared by its size, stand to the right. */
  readonly right?: true;
  readonly cell: (row: Row) => string | number;
}

const joined = (cells: readonly string[]): string => cells.join('  ').trimEnd();

/** Lines of a table for people, the heading first: columns as wide as they need to be. What cells hold is made safe. */
export const tableOf = <Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  cut?: number,
): readonly string[] => {
  const cells = rows.map((row) =>
    columns.map(({ cell }) => {
      const text = safeText(String(cell(row)));
      return cut === undefined ? text : cutText(text, cut);
    }),
  );
  const widths = columns.map(({ title }, at) =>
    Math.max(textWidth(title), ...cells.map((line) => textWidth(line[at] ?? ''))),
  );
  const line = (texts: readonly string[]): string =>
    joined(columns.map(({ right }, at) => (right ? padLeft : padRight)(texts[at] ?? '', widths[at] ?? 0)));
  return [line(columns.map(({ title }) => title)), ...cells.map(line)];
};

/** Names and what belongs to them, one a line. */
export const factLines = (facts: readonly (readonly [string, string | null | undefined])[]): readonly string[] => {
  const known = facts.flatMap(([name, text]) => (text === null || text === undefined ? [] : [[name, text] as const]));
  const width = Math.max(0, ...known.map(([name]) => textWidth(name)));
  return known.map(([name, text]) => `${padRight(name, width)}  ${safeText(text)}`);
};
