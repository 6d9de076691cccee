import { describe, expect, it } from 'vitest';
import { instant } from '../../../../core/time.ts';
import { EchoWatch } from '../../../../gateway/session/echo-watch.ts';

describe('the watch on echoes', () => {
  it('measures the answer to the request that waits, and no other', () => {
    const watch = new EchoWatch();
    expect(watch.replied(1, instant(0))).toBeUndefined();
    watch.requested(7, instant(1_000));
    expect(watch.replied(6, instant(1_010))).toBeUndefined();
    expect(watch.replied(7, instant(1_025))).toBe(25);
    expect(watch.heard()).toBeUndefined();
    expect(watch.replied(7, instant(1_030))).toBeUndefined();
  });

  it('counts requests without an answer, from the first of them', () => {
    const watch = new EchoWatch();
    for (const at of [1_000, 31_000, 61_000]) watch.requested(1, instant(at));
    expect(watch.heard()).toEqual({ lost: 2, since: 1_000 });
    expect(watch.heard()).toBeUndefined();
    expect(watch.gaveUp()).toBeUndefined();
  });

  it('counts the last one too when the peer is given up', () => {
    const watch = new EchoWatch();
    for (const at of [1_000, 31_000]) watch.requested(1, instant(at));
    expect(watch.gaveUp()).toEqual({ lost: 2, since: 1_000 });
  });
});
