import type { SessionSort } from '../../gateway/admin/api/sessions.ts';

export interface Sorting {
  readonly column: SessionSort;
  readonly descending: boolean;
}

/** What people want first of a column: names from A, numbers from the largest. */
const LARGEST_FIRST: ReadonlySet<SessionSort> = new Set([
  'openedAt',
  'seconds',
  'octetsIn',
  'octetsOut',
  'rateIn',
  'rateOut',
  'dropped',
]);

/** The column was chosen; chosen again, it turns round. */
export const choose = (now: Sorting, column: SessionSort): Sorting =>
  now.column === column ? { column, descending: !now.descending } : { column, descending: LARGEST_FIRST.has(column) };

export const sortParameter = ({ column, descending }: Sorting): string => `${descending ? '-' : ''}${column}`;

export const ariaSort = (now: Sorting, column: SessionSort): 'ascending' | 'descending' | 'none' => {
  if (now.column !== column) return 'none';
  return now.descending ? 'descending' : 'ascending';
};
