import type { SessionState } from '../../gateway/admin/api/sessions.ts';
import { type Sorting, sortParameter } from './sorting.ts';

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
