/** A cursor in a list of which only one page is here. */
export interface Place {
  readonly offset: number;
  readonly limit: number;
  /** Of the page; -1: on none. */
  readonly row: number;
}

export type Step = 'down' | 'up' | 'first' | 'last' | 'page-down' | 'page-up';

const lastOffset = (total: number, limit: number): number =>
  total === 0 ? 0 : Math.floor((total - 1) / limit) * limit;

const at = (index: number, total: number, limit: number): Place => {
  const bounded = Math.max(0, Math.min(index, total - 1));
  return { offset: Math.floor(bounded / limit) * limit, limit, row: bounded % limit };
};

/** One step of the keyboard; over the edge of a page it goes to the next one. */
export const move = (place: Place, step: Step, total: number): Place => {
  if (total === 0) return { ...place, offset: 0, row: -1 };
  const index = place.offset + place.row;
  switch (step) {
    case 'down':
      return at(index + 1, total, place.limit);
    case 'up':
      return place.row < 0 ? at(place.offset, total, place.limit) : at(index - 1, total, place.limit);
    case 'first':
      return at(0, total, place.limit);
    case 'last':
      return at(total - 1, total, place.limit);
    case 'page-down': {
      const offset = Math.min(place.offset + place.limit, lastOffset(total, place.limit));
      return { ...place, offset, row: 0 };
    }
    case 'page-up':
      return { ...place, offset: Math.max(0, place.offset - place.limit), row: 0 };
  }
};

/** Rows went away under the cursor: the place that is still there. */
export const settle = (place: Place, total: number): Place => {
  const offset = Math.min(place.offset, lastOffset(total, place.limit));
  const rows = Math.max(0, Math.min(place.limit, total - offset));
  const row = Math.min(place.row, rows - 1);
  return offset === place.offset && row === place.row ? place : { ...place, offset, row };
};

/** "101 to 200 of 10,000", as numbers. */
export const shown = (place: Place, total: number): { readonly from: number; readonly to: number } => ({
  from: total === 0 ? 0 : place.offset + 1,
  to: Math.min(total, place.offset + place.limit),
});
