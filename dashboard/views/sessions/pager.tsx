import { count } from '../../model/format.ts';
import { move, type Place, type Step, shown } from '../../model/paging.ts';

const SIZES = [50, 100, 250] as const;

export const Pager = (props: {
  readonly place: Place;
  readonly total: number;
  readonly onPlace: (place: Place) => void;
}) => {
  const { place, total, onPlace } = props;
  const { from, to } = shown(place, total);
  const turn = (step: Step) => (): void => onPlace({ ...move(place, step, total), row: -1 });
  return (
    <nav class="row between pager" aria-label="Pages of sessions">
      <span class="number">
        {count(from)} to {count(to)} of {count(total)}
      </span>
      <label class="row small">
        Rows
        <select
          class="input"
          value={place.limit}
          onChange={(event) => onPlace({ offset: 0, limit: Number(event.currentTarget.value), row: -1 })}
        >
          {SIZES.map((size) => (
            <option key={size} value={size}>
              {size}
            </option>
          ))}
        </select>
      </label>
      <span class="row">
        <button type="button" class="button" disabled={place.offset === 0} onClick={turn('page-up')}>
          Previous
        </button>
        <button type="button" class="button" disabled={to >= total} onClick={turn('page-down')}>
          Next
        </button>
      </span>
    </nav>
  );
};
