import { type Spread, showSpread, spread } from './numbers.ts';

/** A result that has a target. */
export interface Verdict {
  readonly figure: string;
  readonly value: Spread;
  readonly target: string;
  readonly met: boolean;
}

/** Our figure against another's, round by round: what disturbs a round disturbs both. */
export const ratios = (ours: readonly number[], others: readonly number[]): Spread =>
  spread(
    ours.flatMap((value, round) => {
      const other = others[round];
      return other === undefined || other === 0 ? [] : [value / other];
    }),
  );

export const atLeast = (figure: string, value: Spread, target: number, unit = ''): Verdict => ({
  figure,
  value,
  target: `>= ${target}${unit}`,
  met: value.median >= target,
});

export const atMost = (figure: string, value: Spread, target: number, unit = ''): Verdict => ({
  figure,
  value,
  target: `<= ${target}${unit}`,
  met: value.median <= target,
});

export const verdictRows = (verdicts: readonly Verdict[]): readonly (readonly string[])[] => [
  ['target', 'median (min–max)', 'wanted', 'met'],
  ...verdicts.map(({ figure, value, target, met }) => [figure, showSpread(value), target, met ? 'yes' : 'no']),
];
