import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  SESSION_SORTS,
  SESSION_STATES,
  type SessionRow,
  type SessionsPage,
  type SessionsQuery,
} from '../admin/api/sessions.ts';
import { queryOf, type RunningGateway } from './running-gateway.ts';
import { parseAddress, wholeNumber } from './units.ts';

export const SESSIONS_PATH = '/v1/sessions';
export const sessionPath = (id: string): string => `${SESSIONS_PATH}/${encodeURIComponent(id)}`;
/** What a gateway gives at once. */
const PAGE = 1000;

/** A gateway counts rates from look to look, and forgets the last one after ten seconds. */
const LOOK_MS = 1000;

/** After it, rates that this answer lacks are there: sessions without any may be idle, or nobody has looked at them yet. */
export const untilRates = async (
  rows: readonly Pick<SessionRow, 'rateIn' | 'rateOut' | 'state'>[],
): Promise<boolean> => {
  const isKnown = rows.some(({ rateIn, rateOut }) => rateIn > 0 || rateOut > 0);
  if (isKnown || !rows.some(({ state }) => state === 'up')) return false;
  await sleep(LOOK_MS);
  return true;
};

/** Filters of a verb about sessions. */
export type SessionFilter = Pick<SessionsQuery, 'state' | 'user' | 'address' | 'peer' | 'search' | 'worker' | 'sort'>;

const parseSort = (text: string): string => {
  if (SESSION_SORTS.some((name) => name === text.replace(/^-/, ''))) return text;
  throw new InvalidArgumentError(`One of ${SESSION_SORTS.join(', ')}; with - in front the greatest first.`);
};

/** Adds the flags of a `SessionFilter`. */
export const addFilterOptions = (command: Command): Command =>
  command
    .addOption(new Option('--state <state>', 'only those that are up, or being set up').choices(SESSION_STATES))
    .option('--user <name>', 'only of this user')
    .option('--address <address>', 'only with this inner address', parseAddress)
    .option('--peer <address>', 'only from this outer address', parseAddress)
    .option('--search <text>', 'only those with this in id, user or an address')
    .option('--worker <number>', 'only of this worker process', wholeNumber(0, 255))
    .option('--sort <column>', `by ${SESSION_SORTS.join(', ')}; with - in front the greatest first`, parseSort);

export const filterOf = (command: Command): SessionFilter => {
  const { state, user, address, peer, search, worker, sort } = command.opts<SessionFilter>();
  return {
    ...(state === undefined ? {} : { state }),
    ...(user === undefined ? {} : { user }),
    ...(address === undefined ? {} : { address }),
    ...(peer === undefined ? {} : { peer }),
    ...(search === undefined ? {} : { search }),
    ...(worker === undefined ? {} : { worker }),
    ...(sort === undefined ? {} : { sort }),
  };
};

/** The sessions that fit, `most` of them at most, asked for page by page. */
export const fetchSessions = async (
  gateway: RunningGateway,
  filter: SessionFilter,
  { most = Number.POSITIVE_INFINITY, from = 0 }: { readonly most?: number; readonly from?: number } = {},
): Promise<SessionsPage> => {
  const sessions: SessionsPage['sessions'][number][] = [];
  for (;;) {
    const limit = Math.min(PAGE, most - sessions.length);
    const query = queryOf({ ...filter, offset: from + sessions.length, limit });
    const page = await gateway.get<SessionsPage>(`${SESSIONS_PATH}${query}`);
    sessions.push(...page.sessions);
    if (page.sessions.length < limit || sessions.length >= most || from + sessions.length >= page.total) {
      return { ...page, offset: from, limit: sessions.length, sessions };
    }
  }
};
