import type { SessionRow, SessionSort } from '../../gateway/admin/api/sessions.ts';
import { bitRate, count, duration, NOTHING, octets } from './format.ts';

export interface Column {
  readonly sort: SessionSort;
  readonly title: string;
  readonly isNumber: boolean;
  /** Left out where there is little room. */
  readonly isExtra: boolean;
  readonly text: (row: SessionRow) => string;
}

const column = (
  sort: SessionSort,
  title: string,
  text: (row: SessionRow) => string,
  { isNumber = false, isExtra = false } = {},
): Column => ({ sort, title, isNumber, isExtra, text });

const NUMBER = { isNumber: true };
const EXTRA = { isNumber: true, isExtra: true };

/** The table of sessions, from left to right. */
export const COLUMNS: readonly Column[] = [
  column('user', 'User', ({ user }) => user ?? NOTHING),
  column('state', 'State', ({ state }) => (state === 'up' ? 'up' : 'setting up')),
  column('address', 'Address', ({ address }) => address ?? NOTHING),
  column('peer', 'Peer', ({ peer }) => peer, { isExtra: true }),
  column('seconds', 'Since', ({ seconds }) => duration(seconds), NUMBER),
  column('rateIn', 'In', ({ rateIn }) => bitRate(rateIn), NUMBER),
  column('rateOut', 'Out', ({ rateOut }) => bitRate(rateOut), NUMBER),
  column('octetsIn', 'Sum in', (row) => octets(row.octetsIn), EXTRA),
  column('octetsOut', 'Sum out', (row) => octets(row.octetsOut), EXTRA),
  column('dropped', 'Dropped', ({ dropped }) => (dropped === 0 ? NOTHING : count(dropped)), EXTRA),
];
