import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { move, type Place, type Step, settle, shown } from '../../../dashboard/model/paging.ts';
import { stepOf } from '../../../dashboard/model/steps.ts';

const START: Place = { offset: 0, limit: 100, row: -1 };
const moved = (total: number, ...steps: readonly Step[]): Place =>
  steps.reduce((place, step) => move(place, step, total), START);

describe('a cursor in pages', () => {
  it('begins with the first row, whichever way', () => {
    expect(moved(250, 'down')).toEqual({ ...START, row: 0 });
    expect(moved(250, 'up')).toEqual({ ...START, row: 0 });
  });

  it('goes over the edge of a page, and not over the end', () => {
    expect(move({ offset: 0, limit: 100, row: 99 }, 'down', 250)).toEqual({ offset: 100, limit: 100, row: 0 });
    expect(move({ offset: 100, limit: 100, row: 0 }, 'up', 250)).toEqual({ offset: 0, limit: 100, row: 99 });
    expect(moved(250, 'last')).toEqual({ offset: 200, limit: 100, row: 49 });
    expect(moved(250, 'last', 'down')).toEqual(moved(250, 'last'));
    expect(moved(250, 'last', 'first', 'up')).toEqual({ ...START, row: 0 });
  });

  it('turns pages', () => {
    expect(moved(250, 'page-down', 'page-down', 'page-down')).toEqual({ offset: 200, limit: 100, row: 0 });
    expect(moved(250, 'page-down', 'page-up')).toEqual({ ...START, row: 0 });
  });

  it('has nowhere to go without rows', () => {
    for (const step of ['down', 'up', 'first', 'last', 'page-down', 'page-up'] as const) {
      expect(moved(0, step)).toEqual(START);
    }
  });

  it('is never outside of what there is, whatever goes away', () => {
    const step = fc.constantFrom<Step>('down', 'up', 'first', 'last', 'page-down', 'page-up');
    fc.assert(
      fc.property(fc.array(fc.tuple(step, fc.nat(1000))), fc.integer({ min: 1, max: 250 }), (moves, limit) => {
        let place: Place = { ...START, limit };
        for (const [one, total] of moves) {
          place = settle(move(place, one, total), total);
          const { from, to } = shown(place, total);
          expect(place.offset % limit).toBe(0);
          expect(place.row).toBeLessThan(Math.max(to - from + 1, 1));
          expect(place.offset === 0 || place.offset < total).toBe(true);
        }
      }),
    );
  });

  it('stays the same object when nothing has to change', () => {
    const place = moved(250, 'down');
    expect(settle(place, 250)).toBe(place);
  });

  it('says which rows are shown', () => {
    expect(shown({ offset: 200, limit: 100, row: -1 }, 250)).toEqual({ from: 201, to: 250 });
    expect(shown(START, 0)).toEqual({ from: 0, to: 0 });
  });

  it('knows its keys', () => {
    expect(['j', 'ArrowUp', 'End', 'q'].map(stepOf)).toEqual(['down', 'up', 'last', undefined]);
  });
});
