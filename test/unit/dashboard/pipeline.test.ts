import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BOX, dropsOf, heat, layOut, shortName, stageKey, worst } from '../../../dashboard/model/pipeline.ts';
import { fakeStats } from '../../support/dashboard/fake-stats.ts';

const { stages, drops } = fakeStats(0, 10);
const flow = (droppedIn: number, droppedOut = 0) => ({
  stage: 'mppe',
  slot: 500,
  passedIn: 0,
  passedOut: 0,
  droppedIn,
  droppedOut,
});

describe('the drawing of the pipeline', () => {
  it('has all stages in their order, in lines as even as can be', () => {
    const { boxes, columns } = layOut(stages, 1300);
    expect(boxes.map(({ flow: { stage } }) => stage)).toEqual(stages.map(({ stage }) => stage));
    expect(columns).toBe(7);
    expect(new Set(boxes.map(({ y }) => y)).size).toBe(2);
  });

  it('joins neighbours, and turns at the ends of lines', () => {
    const { joints } = layOut(stages, 1300);
    expect(joints).toHaveLength(stages.length - 1);
    expect(joints.filter(({ turn }) => turn).map(({ from }) => from.flow.stage)).toEqual(['ipsec-gate']);
  });

  it('stays within any width that one box has room in, and boxes do not touch', () => {
    fc.assert(
      fc.property(fc.integer({ min: BOX.width, max: 4000 }), fc.integer({ min: 0, max: 12 }), (width, most) => {
        const drawing = layOut(stages.slice(0, most), width);
        if (most > 0) expect(drawing.width).toBeLessThanOrEqual(width);
        const places = drawing.boxes.map(({ x, y }) => `${x} ${y}`);
        expect(new Set(places).size).toBe(most);
        for (const { x, y } of drawing.boxes) {
          expect(x + BOX.width).toBeLessThanOrEqual(drawing.width);
          expect(y + BOX.height).toBeLessThanOrEqual(drawing.height);
        }
      }),
    );
  });

  it('a stage that drops now is not one that did so once', () => {
    expect(heat(flow(0), flow(0))).toBe('none');
    expect(heat(flow(5), flow(5))).toBe('past');
    expect(heat(flow(5), undefined)).toBe('past');
    expect(heat(flow(5, 1), flow(5))).toBe('now');
  });

  it('tells the places of one stage apart', () => {
    expect(stageKey({ ...flow(0), slot: 600 })).not.toBe(stageKey({ ...flow(0), slot: 699 }));
  });

  it('names of any length have room in a box', () => {
    expect(shortName('intranet-packets')).toBe('intranet-packets');
    expect(shortName('the-company-stage-that-counts-everything')).toBe('the-company-stage-t…');
  });

  it('most first', () => {
    expect(dropsOf(drops, 'sequence').map(({ reason }) => reason)).toEqual(['late', 'duplicate']);
    expect(worst(drops, 2).map(({ reason }) => reason)).toEqual(['rate-limited', 'late']);
  });
});
