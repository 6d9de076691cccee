import type { SessionRow, SessionsPage, SessionsQuery } from '../api/sessions.ts';
import { compareKeyed, firstOf, rowKey, type SortOrder, sortOrder } from './order.ts';

/** Most rows of a page, and most sessions before it. */
export const MOST_ROWS = 1000;
export const MOST_OFFSET = 100_000;
const ROWS = 100;

export interface PageWish {
  readonly order: SortOrder;
  readonly offset: number;
  readonly limit: number;
}

/** The query has passed its schema. */
export const pageWish = ({ sort, offset = 0, limit = ROWS }: SessionsQuery): PageWish => ({
  order: sortOrder(sort) ?? { sort: 'openedAt', descending: false },
  offset,
  limit,
});

/** What a worker is asked for, so that its part of the page is in its answer. */
export const partQuery = ({ worker: _worker, ...query }: SessionsQuery): SessionsQuery => {
  const { offset, limit } = pageWish(query);
  return { ...query, offset: 0, limit: offset + limit };
};

/** One page out of the answers of workers to `partQuery`. */
export const mergePages = (query: SessionsQuery, parts: readonly SessionsPage[]): SessionsPage => {
  const { order, offset, limit } = pageWish(query);
  const keyed = parts.flatMap(({ sessions }) =>
    sessions.map((row: SessionRow) => ({ row, id: row.id, key: rowKey(order.sort, row) })),
  );
  return {
    total: parts.reduce((sum, { total }) => sum + total, 0),
    offset,
    limit,
    sessions: firstOf(keyed, offset + limit, compareKeyed(order))
      .slice(offset)
      .map(({ row }) => row),
  };
};
