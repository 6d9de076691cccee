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

/** A gateway that is so far in the past has had its clock set back. */
const SET_BACK_SECONDS = 10;

/** With one more point; one that is not later than the last is none. With a clock that was set back it begins anew. */
export const append = (series: Series, point: RatePoint, most = MOST_POINTS): Series => {
  const at = point.at / 1000;
  const last = series.at.at(-1);
  if (last !== undefined && at < last - SET_BACK_SECONDS) return append(EMPTY, point, most);
  if (last !== undefined && at <= last) return series;
  return {
    at: newest(series.at, at, most),
    rateIn: newest(series.rateIn, point.rateIn, most),
    rateOut: newest(series.rateOut, point.rateOut, most),
  };
};

/** With what the gateway remembers, a point each `stepSeconds`, wherever nothing was seen. */
export const fill = (series: Series, points: readonly RatePoint[], stepSeconds: number, most = MOST_POINTS): Series => {
  const seen = series.at.map((at, index) => ({
    at: at * 1000,
    rateIn: series.rateIn[index] ?? 0,
    rateOut: series.rateOut[index] ?? 0,
  }));
  // Both are in order of time: one walk is enough.
  let next = 0;
  const missed = points.filter(({ at }) => {
    while ((seen[next]?.at ?? Number.POSITIVE_INFINITY) < at) next += 1;
    const [before, after] = [
      seen[next - 1]?.at ?? Number.NEGATIVE_INFINITY,
      seen[next]?.at ?? Number.POSITIVE_INFINITY,
    ];
    return at - before >= stepSeconds * 1000 && after - at >= stepSeconds * 1000;
  });
  const all = [...seen, ...missed].toSorted((a, b) => a.at - b.at).slice(-most);
  return {
    at: all.map(({ at }) => at / 1000),
    rateIn: all.map(({ rateIn }) => rateIn),
    rateOut: all.map(({ rateOut }) => rateOut),
  };
};
