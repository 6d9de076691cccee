import { expect, it } from 'vitest';
import { sessionIds, workerOfSession } from '../../../../gateway/session/session-ids.ts';

it('are twelve digits; those of a worker say whose they are', () => {
  for (const worker of [undefined, 0, 9, 15]) {
    const next = sessionIds(worker);
    const ids = Array.from({ length: 100 }, next);
    expect(new Set(ids).size).toBe(100);
    for (const id of ids) {
      expect(id).toMatch(/^[0-9a-f]{12}$/);
      if (worker !== undefined) expect(workerOfSession(id)).toBe(worker);
    }
  }
  expect(['', 'g00000000000', '0123', '0123456789abc'].map(workerOfSession)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
