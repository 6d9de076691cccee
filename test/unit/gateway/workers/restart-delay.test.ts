import { describe, expect, it } from 'vitest';
import { RestartDelay } from '../../../../gateway/workers/restart-delay.ts';

describe('how long a worker that died waits', () => {
  it('not at all, then 1 s, twice as long each time, 30 s at most', () => {
    const delay = new RestartDelay();
    const waits = Array.from({ length: 9 }, () => delay.after(10));
    expect(waits).toEqual([0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('not at all again after a minute of life', () => {
    const delay = new RestartDelay();
    for (let i = 0; i < 5; i += 1) delay.after(59_999);
    expect(delay.after(60_000)).toBe(0);
    expect(delay.after(60_000)).toBe(0);
    expect(delay.after(1)).toBe(1000);
  });
});
