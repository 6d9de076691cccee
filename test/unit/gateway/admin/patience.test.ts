import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Patience } from '../../../../gateway/admin/patience.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('is over when nothing was heard for so long, with a moment for what has come meanwhile', () => {
  const giveUp = vi.fn();
  const patience = new Patience(10_000, giveUp);
  vi.advanceTimersByTime(10_000);
  // The process stood still; what waits in its sockets is read now.
  patience.heard();
  vi.advanceTimersByTime(10_499);
  expect(giveUp).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(giveUp).toHaveBeenCalledTimes(1);
  expect(vi.getTimerCount()).toBe(0);
});

it('is not over for who is heard again and again, nor for who waits no more', () => {
  const giveUp = vi.fn();
  const patience = new Patience(10_000, giveUp);
  for (let at = 0; at < 100; at += 1) {
    vi.advanceTimersByTime(9_000);
    patience.heard();
  }
  patience.end();
  vi.advanceTimersByTime(100_000);
  expect(giveUp).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});
