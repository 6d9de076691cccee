import type { SessionRow } from '../admin/api/sessions.ts';
import type { Column } from './table.ts';
import { bitRateText, durationText, octetsText } from './units.ts';

const NONE = '-';

/** A column of a table of sessions, with what the gateway sorts it by. */
export interface SessionColumn extends Column<SessionRow> {
  readonly sort?: string;
}

const column = (title: string, cell: SessionColumn['cell'], sort?: string): SessionColumn => ({
  title,
  cell,
  ...(sort === undefined ? {} : { sort }),
});
const number = (title: string, cell: SessionColumn['cell'], sort?: string): SessionColumn => ({
  ...column(title, cell, sort),
  right: true,
});

const FIRST: readonly SessionColumn[] = [
  column('SESSION', ({ id }) => id),
  column('STATE', ({ state }) => state, 'state'),
  column('USER', ({ user }) => user ?? NONE, 'user'),
  column('PEER', ({ peer }) => peer, 'peer'),
  column('ADDRESS', ({ address }) => address ?? NONE, 'address'),
];
const NUMBERS: readonly SessionColumn[] = [
  number('TIME', ({ seconds }) => durationText(seconds), 'seconds'),
  number('IN', ({ octetsIn }) => octetsText(octetsIn), 'octetsIn'),
  number('OUT', ({ octetsOut }) => octetsText(octetsOut), 'octetsOut'),
  number('RATE IN', ({ rateIn }) => bitRateText(rateIn), 'rateIn'),
  number('RATE OUT', ({ rateOut }) => bitRateText(rateOut), 'rateOut'),
];
const DROPPED = number('DROPPED', ({ dropped }) => dropped, 'dropped');
const WIDE_FACTS: readonly SessionColumn[] = [
  column('METHOD', ({ method }) => method ?? NONE),
  column('ENCRYPTION', ({ encryption }) => encryption),
];
const WIDE_NUMBERS: readonly SessionColumn[] = [
  number('PACKETS IN', ({ packetsIn }) => packetsIn),
  number('PACKETS OUT', ({ packetsOut }) => packetsOut),
];
const WIDE_END: readonly SessionColumn[] = [
  column('OPENED', ({ openedAt }) => openedAt, 'openedAt'),
  column('TRACE', ({ traceId }) => traceId),
];
const WORKER = number('WORKER', ({ worker }) => worker ?? NONE);

/** The columns for these sessions: one for the worker process where there are several, and more of them if `wide`. */
export const sessionColumns = (rows: readonly SessionRow[], wide = false): readonly SessionColumn[] => {
  const worker = rows.some((row) => row.worker !== undefined) ? [WORKER] : [];
  if (!wide) return [...FIRST, ...NUMBERS, DROPPED, ...worker];
  return [...FIRST, ...WIDE_FACTS, ...NUMBERS, ...WIDE_NUMBERS, DROPPED, ...worker, ...WIDE_END];
};
