import { expect, it } from 'vitest';
import { funnelSteps } from '../../../dashboard/model/funnel.ts';

it('says how many got how far, and why others did not', () => {
  const phases = [
    { phase: 'control', reached: 200, failed: 0, reasons: {} },
    { phase: 'auth', reached: 200, failed: 60, reasons: { 'unknown-user': 10, 'wrong-password': 50, never: 0 } },
    { phase: 'up', reached: 140, failed: 0, reasons: {} },
  ];
  const steps = funnelSteps({ phases });
  expect(steps.map(({ share }) => share)).toEqual([1, 1, 0.7]);
  expect(steps[1]).toMatchObject({
    failedShare: 0.3,
    reasons: [
      ['wrong-password', 50],
      ['unknown-user', 10],
    ],
  });
});

it('is empty before the first call', () => {
  expect(funnelSteps({ phases: [] })).toEqual([]);
  expect(funnelSteps({ phases: [{ phase: 'lcp', reached: 0, failed: 0, reasons: {} }] })[0]).toMatchObject({
    share: 0,
    failedShare: 0,
  });
});
