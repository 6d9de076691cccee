import { expect, it } from 'vitest';
import { COLUMNS } from '../../../dashboard/model/columns.ts';
import { streamPath } from '../../../dashboard/model/session-query.ts';
import { ariaSort, choose, sortParameter } from '../../../dashboard/model/sorting.ts';
import { SESSION_SORTS } from '../../../gateway/admin/api/sessions.ts';

const NEWEST = { column: 'openedAt', descending: true } as const;

it('names begin with A, numbers with the largest; chosen again it turns round', () => {
  const byUser = choose(NEWEST, 'user');
  expect(sortParameter(byUser)).toBe('user');
  expect(sortParameter(choose(byUser, 'user'))).toBe('-user');
  expect(sortParameter(choose(byUser, 'rateIn'))).toBe('-rateIn');
});

it('says it in ARIA', () => {
  expect(ariaSort(NEWEST, 'openedAt')).toBe('descending');
  expect(ariaSort({ column: 'user', descending: false }, 'user')).toBe('ascending');
  expect(ariaSort(NEWEST, 'user')).toBe('none');
});

it('every column is one that the gateway sorts by, once', () => {
  const columns = COLUMNS.map(({ sort }) => sort);
  expect(columns.filter((column) => !SESSION_SORTS.includes(column))).toEqual([]);
  expect(new Set(columns).size).toBe(columns.length);
});

it('asks the gateway for what is wanted', () => {
  const wanted = { sorting: NEWEST, offset: 100, limit: 50, search: ' a&b ', state: undefined };
  expect(streamPath(wanted)).toBe('/v1/sessions/stream?sort=-openedAt&limit=50&offset=100&search=a%26b');
  expect(streamPath({ ...wanted, search: '  ', state: 'up' })).toContain('&state=up');
});
