import type { SessionState } from '../../gateway/admin/api/sessions.ts';
import type { Place } from './paging.ts';
import { type Sorting, sortParameter } from './sorting.ts';

/** What is looked at in the list of sessions, and how. */
export interface SessionList {
  readonly sorting: Sorting;
  readonly place: Place;
  readonly search: string;
  readonly state: SessionState | undefined;
}

export const FIRST_LIST: SessionList = {
  sorting: { column: 'openedAt', descending: true },
  place: { offset: 0, limit: 100, row: -1 },
  search: '',
  state: undefined,
};

export interface Wanted {
  readonly sorting: Sorting;
  readonly offset: number;
  readonly limit: number;
  readonly search: string;
  readonly state: SessionState | undefined;
}

/** The stream of what is wanted. */
export const streamPath = ({ sorting, offset, limit, search, state }: Wanted): string => {
  const query = new URLSearchParams({
    sort: sortParameter(sorting),
    limit: String(limit),
    offset: String(offset),
  });
  if (search.trim() !== '') query.set('search', search.trim());
  if (state !== undefined) query.set('state', state);
  return `/v1/sessions/stream?${query}`;
};
