import { parseIpv4 } from '../../../core/bytes/ipv4-address.ts';
import { SESSION_SORTS, type SessionRow, type SessionSort } from '../api/sessions.ts';

/** What sessions are put in order by; null, what is not known yet, comes last in both directions. */
export type SortKey = number | string | null;

export interface SortOrder {
  readonly sort: SessionSort;
  readonly descending: boolean;
}

export interface Keyed {
  readonly key: SortKey;
  readonly id: string;
}

/** All that `GET /v1/sessions` takes as `sort`. */
export const SORT_WORDS: readonly string[] = SESSION_SORTS.flatMap((sort) => [sort, `-${sort}`]);

/** "user", "-rateIn"; undefined when there is no such column. */
export const sortOrder = (text = 'openedAt'): SortOrder | undefined => {
  const descending = text.startsWith('-');
  const sort = SESSION_SORTS.find((one) => one === (descending ? text.slice(1) : text));
  return sort === undefined ? undefined : { sort, descending };
};

/** Sessions that are alike stand by their ids, so that pages neither repeat nor leave out one. */
export const compareKeyed =
  ({ descending }: SortOrder) =>
  (a: Keyed, b: Keyed): number => {
    if (a.key !== b.key) {
      if (a.key === null) return 1;
      if (b.key === null) return -1;
      return a.key < b.key === descending ? 1 : -1;
    }
    return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
  };

const PORTS = 65_536;

/** An address and port as a number, so that 10.0.0.9 stands before 10.0.0.10. */
export const peerKey = (peer: string): SortKey => {
  const [host = '', port = '0'] = peer.split(':');
  const address = parseIpv4(host);
  return address === undefined ? peer : address * PORTS + Number(port);
};

/** The key of a row, the same that its worker had for the session. */
export const rowKey = (sort: SessionSort, row: SessionRow): SortKey => {
  switch (sort) {
    case 'openedAt':
      return Date.parse(row.openedAt);
    case 'user':
      return row.user?.toLowerCase() ?? null;
    case 'peer':
      return peerKey(row.peer);
    case 'address':
      return row.address === null ? null : (parseIpv4(row.address) ?? null);
    default:
      return row[sort];
  }
};

/** The first `count` in order. Far cheaper than to sort all when few of very many are wanted. */
export const firstOf = <T>(items: readonly T[], count: number, compare: (a: T, b: T) => number): readonly T[] => {
  if (count <= 0) return [];
  if (count * 4 > items.length) return items.toSorted(compare).slice(0, count);
  // A heap with the last of the chosen on top.
  const heap: T[] = [];
  const swap = (a: number, b: number, x: T, y: T): void => {
    heap[a] = y;
    heap[b] = x;
  };
  const sink = (): void => {
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const [own, first, second] = [heap[at], heap[left], heap[left + 1]];
      if (own === undefined || first === undefined) return;
      const right = second !== undefined && compare(second, first) > 0;
      const child = right ? second : first;
      const childAt = right ? left + 1 : left;
      if (compare(child, own) <= 0) return;
      swap(at, childAt, own, child);
      at = childAt;
    }
  };
  const rise = (): void => {
    for (let at = heap.length - 1; at > 0; ) {
      const parentAt = (at - 1) >> 1;
      const [own, parent] = [heap[at], heap[parentAt]];
      if (own === undefined || parent === undefined || compare(own, parent) <= 0) return;
      swap(at, parentAt, own, parent);
      at = parentAt;
    }
  };
  for (const item of items) {
    const top = heap[0];
    if (heap.length < count || top === undefined) {
      heap.push(item);
      rise();
    } else if (compare(item, top) < 0) {
      heap[0] = item;
      sink();
    }
  }
  return heap.sort(compare);
};
