import { type Spread, showSpread, spread } from './numbers.ts';
import type { TargetName } from './targets.ts';

/** A result that has a target. */
export interface Verdict {
  /** The target that this is a part of. */
  readonly of: TargetName;
  readonly figure: string;
  readonly value: Spread;
  readonly target: string;
  /** By the median. */
  readonly met: boolean;
  /** Whether every round says the same. */
  readonly clear: boolean;
}

/** Our figure against another's, round by round: what disturbs a round disturbs both. */
export const ratios = (ours: readonly number[], others: readonly number[]): Spread =>
  spread(
    ours.flatMap((value, round) => {
      const other = others[round];
      return other === undefined || other === 0 ? [] : [value / other];
    }),
  );

const judge = (meets: (value: number) => boolean, { median, min, max }: Spread) => {
  const met = meets(median);
  return { met, clear: meets(min) === met && meets(max) === met };
};

export const atLeast = (of: TargetName, figure: string, value: Spread, target: number, unit = ''): Verdict => ({
  of,
  figure,
  value,
  target: `>= ${target}${unit}`,
  ...judge((one) => one >= target, value),
});

export const atMost = (of: TargetName, figure: string, value: Spread, target: number, unit = ''): Verdict => ({
  of,
  figure,
  value,
  target: `<= ${target}${unit}`,
  ...judge((one) => one <= target, value),
});

export const verdictRows = (verdicts: readonly Verdict[]): readonly (readonly string[])[] => [
  ['target', 'median (min–max)', 'wanted', 'met'],
  ...verdicts.map(({ figure, value, target, met, clear }) => [
    figure,
    showSpread(value),
    target,
    `${met ? 'yes' : 'no'}${clear ? '' : ', not in each round'}`,
  ]),
];
