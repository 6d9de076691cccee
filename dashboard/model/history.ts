/** Columns of a plot: seconds since 1970, octets a second in and out. */
export interface Series {
  readonly at: readonly number[];
  readonly rateIn: readonly number[];
  readonly rateOut: readonly number[];
}

export interface RatePoint {
  /** ms since 1970. */
  readonly at: number;
  readonly rateIn: number;
  readonly rateOut: number;
}

export const EMPTY: Series = { at: [], rateIn: [], rateOut: [] };

/** A quarter of an hour of seconds. */
export const MOST_POINTS = 900;

const newest = (column: readonly number[], value: number, most: number): readonly number[] =>
  column.length < most ? [...column, value] : [...column.slice(column.length - most + 1), value];

/** With one more point; one that is not later than the last is none. */
export const append = (series: Series, point: RatePoint, most = MOST_POINTS): Series => {
  const at = point.at / 1000;
  const last = series.at.at(-1);
  if (last !== undefined && at <= last) return series;
  return {
    at: newest(series.at, at, most),
    rateIn: newest(series.rateIn, point.rateIn, most),
    rateOut: newest(series.rateOut, point.rateOut, most),
  };
};

/** What the gateway remembers, before what was seen since. */
export const prepend = (series: Series, points: readonly RatePoint[], most = MOST_POINTS): Series => {
  const first = (series.at[0] ?? Number.POSITIVE_INFINITY) * 1000;
  const older = points.filter(({ at }) => at < first);
  const room = Math.max(0, most - series.at.length);
  const kept = room === 0 ? [] : older.slice(-room);
  return {
    at: [...kept.map(({ at }) => at / 1000), ...series.at],
    rateIn: [...kept.map(({ rateIn }) => rateIn), ...series.rateIn],
    rateOut: [...kept.map(({ rateOut }) => rateOut), ...series.rateOut],
  };
};
