import type { Command } from 'commander';
import { GatewayError } from '../../core/errors.ts';
import type { SessionRow } from '../admin/api/sessions.ts';
import { isUser } from '../admin/live/user-names.ts';
import { AdminRefusal } from '../admin/refusal.ts';
import type { RunningGateway } from './running-gateway.ts';
import { fetchSessions, type SessionFilter } from './session-query.ts';
import { sessionColumns } from './session-table.ts';
import { tableOf } from './table.ts';
import type { CliTerminal } from './terminal.ts';

/** What stands for a session on the command line. */
export const SESSION_ARGUMENT = 'its id or the beginning of it, its user, or its inner address';
/** A shorter beginning of an id is more likely something else. */
const LEAST_PREFIX = 4;
const SHOWN = 20;

/** Adds `--all`, without which a word that fits several sessions is refused. */
export const addAllOption = (command: Command): Command =>
  command.option('--all', 'all that fit, where it is more than one');

/** The sessions that a word names: the one with this id, or else all with this user, inner address or beginning. */
const named = (sessions: readonly SessionRow[], word: string): readonly SessionRow[] => {
  const lower = word.toLowerCase();
  const exact = sessions.filter(({ id }) => id === lower);
  if (exact.length > 0) return exact;
  return sessions.filter(
    ({ id, user, address }) =>
      isUser(word, user ?? undefined) ||
      address === word ||
      (lower.length >= LEAST_PREFIX && id.toLowerCase().startsWith(lower)),
  );
};

/** As a table for people, the first of them. */
export const listSessions = (found: readonly SessionRow[], write: (line: string) => void): void => {
  const shown = found.slice(0, SHOWN);
  for (const line of tableOf(sessionColumns(shown), shown)) write(line);
  if (found.length > SHOWN) write(`and ${found.length - SHOWN} more`);
};

/**
 * The sessions that `word` names, within `filter`. Rejects with ADMIN_REFUSED where there is none, and, after a list of
 * them, where there are several and not `all` are wanted.
 */
export const chooseSessions = async (
  gateway: RunningGateway,
  terminal: CliTerminal,
  word: string,
  { all = false, filter = {} }: { readonly all?: boolean; readonly filter?: SessionFilter } = {},
): Promise<readonly [SessionRow, ...SessionRow[]]> => {
  // The gateway looks for a part of id, user and address: never less than what is wanted.
  const { sessions } = await fetchSessions(gateway, { ...filter, search: word });
  const found = named(sessions, word);
  const [first, ...others] = found;
  if (first === undefined) {
    throw new GatewayError('ADMIN_REFUSED', 'there is no such session: "sessions list" shows those there are.');
  }
  if (others.length > 0 && !all) {
    listSessions(found, terminal.err);
    throw new GatewayError(
      'ADMIN_REFUSED',
      `${found.length} sessions fit: give the id of one, or say --all if it is about all of them.`,
    );
  }
  return [first, ...others];
};

/** The answers about these sessions, one by one. With `all`, those that have ended in the meantime are passed over. */
export async function* askEach<T>(
  found: readonly SessionRow[],
  all: boolean,
  ask: (id: string) => Promise<T>,
): AsyncGenerator<T, void, undefined> {
  for (const { id } of found) {
    try {
      yield await ask(id);
    } catch (error) {
      if (!all || !(error instanceof AdminRefusal) || error.reason !== 'NO_SESSION') throw error;
    }
  }
}
