import { describe, expect, it } from 'vitest';
import { EchoKeeper } from '../../../../core/machine/lcp-echo.ts';
import { instant } from '../../../../core/time.ts';

describe('EchoKeeper', () => {
  it('is off without an interval', () => {
    expect(new EchoKeeper(0, 3).start(instant(0))).toBeUndefined();
  });

  it('asks after a quiet interval and gives up after so many unanswered requests', () => {
    const echo = new EchoKeeper(1000, 2);
    expect(echo.start(instant(0))).toBe(1000);
    expect(echo.due(instant(1000))).toEqual({ action: 'send', next: 2000 });
    expect(echo.due(instant(2000))).toEqual({ action: 'send', next: 3000 });
    expect(echo.due(instant(3000))).toEqual({ action: 'dead' });
  });

  it('waits as long as anything is heard, and forgives what went unanswered before', () => {
    const echo = new EchoKeeper(1000, 2);
    echo.start(instant(0));
    echo.heard(instant(700));
    expect(echo.due(instant(1000))).toEqual({ action: 'wait', next: 1700 });
    expect(echo.due(instant(1700))).toEqual({ action: 'send', next: 2700 });
    echo.heard(instant(1800));
    expect(echo.due(instant(2700))).toEqual({ action: 'wait', next: 2800 });
    expect(echo.due(instant(2800))).toEqual({ action: 'send', next: 3800 });
  });

  it('is due when those of other links are: at multiples of 250 ms, or of a twentieth of a short interval', () => {
    const echo = new EchoKeeper(30_000, 4);
    expect(echo.start(instant(40.3))).toBe(30_250);
    echo.heard(instant(10_000.5));
    expect(echo.due(instant(30_250))).toEqual({ action: 'wait', next: 40_250 });
    expect(echo.due(instant(40_251))).toEqual({ action: 'send', next: 70_500 });
    expect(new EchoKeeper(1000, 4).start(instant(10))).toBe(1050);
  });

  it('never gives up with a failure count of 0', () => {
    const echo = new EchoKeeper(1000, 0);
    echo.start(instant(0));
    const actions = Array.from({ length: 50 }, (_, i) => echo.due(instant(1000 * (i + 1))).action);
    expect(new Set(actions)).toEqual(new Set(['send']));
  });
});
