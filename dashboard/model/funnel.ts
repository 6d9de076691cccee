import type { Funnel } from '../../gateway/admin/api/stats.ts';

export interface FunnelStep {
  readonly phase: string;
  readonly reached: number;
  readonly failed: number;
  /** Of those that reached the first phase, 0 to 1. */
  readonly share: number;
  readonly failedShare: number;
  /** Most frequent first. */
  readonly reasons: readonly (readonly [string, number])[];
}

export const funnelSteps = ({ phases }: Funnel): readonly FunnelStep[] => {
  const all = Math.max(0, ...phases.map(({ reached }) => reached));
  const part = (value: number): number => (all === 0 ? 0 : value / all);
  return phases.map(({ phase, reached, failed, reasons }) => ({
    phase,
    reached,
    failed,
    share: part(reached),
    failedShare: part(Math.min(failed, reached)),
    reasons: Object.entries(reasons)
      .filter(([, times]) => times > 0)
      .toSorted((a, b) => b[1] - a[1]),
  }));
};
