import { describe, expect, it } from 'vitest';
import { TimerTable } from '../../../../core/machine/timer-table.ts';
import { instant } from '../../../../core/time.ts';

describe('TimerTable', () => {
  it('gives the earliest deadline, and the due ones in order, once', () => {
    const table = new TimerTable<'a' | 'b' | 'c'>();
    expect(table.next()).toBeUndefined();
    table.set('a', instant(30));
    table.set('b', instant(10));
    table.handle('c').set(instant(20));
    expect(table.next()).toBe(10);
    expect(table.take(instant(9))).toEqual([]);
    expect(table.take(instant(20))).toEqual(['b', 'c']);
    expect(table.take(instant(20))).toEqual([]);
    expect(table.next()).toBe(30);
  });

  it('takes one away when its time has come, once', () => {
    const table = new TimerTable<'a' | 'b'>();
    table.set('a', instant(20));
    table.set('b', instant(10));
    expect([9, 10, 11].map((now) => table.expire('b', instant(now)))).toEqual([false, true, false]);
    expect([table.isSet('a'), table.isSet('b'), table.next()]).toEqual([true, false, 20]);
  });

  it('moves and forgets deadlines', () => {
    const table = new TimerTable<'a' | 'b'>();
    table.set('a', instant(10));
    table.set('a', instant(40));
    table.set('b', instant(20));
    table.handle('b').clear();
    expect([table.isSet('a'), table.isSet('b'), table.next()]).toEqual([true, false, 40]);
    table.clearAll();
    expect(table.next()).toBeUndefined();
  });
});
