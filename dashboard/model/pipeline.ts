import type { StageDrops, StageFlow } from '../../gateway/admin/api/stats.ts';

export const BOX = { width: 124, height: 84, gapX: 20, gapY: 34 } as const;
/** Boxes stand apart to fill the width, but not so far that the eye loses the way. */
const WIDEST_GAP = 72;

export interface StageBox {
  readonly flow: StageFlow;
  readonly x: number;
  readonly y: number;
}

/** An arrow between two neighbours; `turn`: to the next line of the drawing. */
export interface Joint {
  readonly from: StageBox;
  readonly to: StageBox;
  readonly turn: boolean;
}

export interface Drawing {
  readonly boxes: readonly StageBox[];
  readonly joints: readonly Joint[];
  readonly width: number;
  readonly height: number;
  readonly columns: number;
}

/** Stages from the peers' side on, from left to right and in as many lines as the width needs. */
export const layOut = (stages: readonly StageFlow[], width: number): Drawing => {
  const most = Math.max(1, Math.floor((width + BOX.gapX) / (BOX.width + BOX.gapX)));
  const lines = Math.max(1, Math.ceil(stages.length / most));
  // As even as can be: seven and seven look better than twelve and two.
  const columns = Math.max(1, Math.ceil(stages.length / lines));
  const room = columns === 1 ? 0 : (width - columns * BOX.width) / (columns - 1);
  const gap = Math.min(WIDEST_GAP, Math.max(BOX.gapX, Math.floor(room)));
  const pitch = BOX.width + gap;
  const boxes = stages.map((flow, index) => ({
    flow,
    x: (index % columns) * pitch,
    y: Math.floor(index / columns) * (BOX.height + BOX.gapY),
  }));
  const joints = boxes.slice(1).flatMap((to, index) => {
    const from = boxes[index];
    return from === undefined ? [] : [{ from, to, turn: from.y !== to.y }];
  });
  return {
    boxes,
    joints,
    columns,
    width: columns * pitch - gap,
    height: lines * (BOX.height + BOX.gapY) - BOX.gapY,
  };
};

/** A stage may stand in two places under one name, as the gate of IPsec does; then it is counted once for both. */
export const stageKey = ({ stage, slot }: StageFlow): string => `${slot} ${stage}`;

const LONGEST_NAME = 20;

/** Stages of plug-ins may be called anything: what has room in a box. */
export const shortName = (stage: string): string =>
  stage.length <= LONGEST_NAME ? stage : `${stage.slice(0, LONGEST_NAME - 1)}…`;

export type Heat = 'none' | 'past' | 'now';

/** Whether a stage drops now, did so once, or never. `before` is of some seconds ago. */
export const heat = (flow: StageFlow, before: StageFlow | undefined): Heat => {
  const dropped = flow.droppedIn + flow.droppedOut;
  if (dropped === 0) return 'none';
  return before !== undefined && dropped > before.droppedIn + before.droppedOut ? 'now' : 'past';
};

/** What one stage dropped, most first. */
export const dropsOf = (drops: readonly StageDrops[], stage: string): readonly StageDrops[] =>
  drops.filter((one) => one.stage === stage && one.count > 0).toSorted((a, b) => b.count - a.count);

/** Where packets are lost, most first. */
export const worst = (drops: readonly StageDrops[], most: number): readonly StageDrops[] =>
  drops
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count)
    .slice(0, most);
