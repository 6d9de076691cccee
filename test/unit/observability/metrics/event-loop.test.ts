import { afterEach, expect, test, vi } from 'vitest';
import { EventLoopWatch } from '../../../../observability/metrics/event-loop.ts';

afterEach(() => vi.useRealTimers());

const busy = (milliseconds: number): void => {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('an event loop that was held is late by as much, for a whole window', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const watch = new EventLoopWatch();
  // The watched timer has to begin before it can be late.
  while (watch.read().delay.max === 0) {
    busy(30);
    await turn();
  }
  busy(300);
  await turn();
  await turn();
  const { delay, active, idle } = watch.read();
  expect(delay.max).toBeGreaterThan(0.2);
  expect(delay.p50).toBeLessThanOrEqual(delay.p99);
  expect(delay.p99).toBeLessThanOrEqual(delay.max);
  expect(delay.mean).toBeLessThan(delay.max);
  expect(active + idle).toBeGreaterThan(0);

  vi.advanceTimersByTime(10_000);
  expect(watch.read().delay.max).toBe(delay.max);
  vi.advanceTimersByTime(10_000);
  expect(watch.read().delay.max).toBe(0);
  watch.stop();
});
