import type { LockLine } from '../admin/api/operations.ts';
import { EXIT } from './exit.ts';
import { type AdminVerbs, queryOf } from './running-gateway.ts';
import { type Column, tableOf } from './table.ts';
import { parseAddress } from './units.ts';

interface ClearFlags {
  readonly user?: string;
  readonly source?: string;
  readonly all?: true;
  readonly json?: true;
}

const WHAT: Readonly<Record<LockLine['what'], string>> = {
  'user-and-source': 'a user from one address',
  source: 'an address',
  user: 'a user',
};

const COLUMNS: readonly Column<LockLine>[] = [
  { title: 'LOCKED OUT', cell: ({ what }) => WHAT[what] },
  { title: 'USER', cell: ({ user }) => user ?? '-' },
  { title: 'SOURCE', cell: ({ source }) => source ?? '-' },
  { title: 'UNTIL', cell: ({ until }) => until },
];

const PATH = '/v1/locks';

/** Adds the verbs `locks list|clear`. */
export const addLocksVerbs = ({ program, terminal, action }: AdminVerbs): void => {
  const locks = program.command('locks').description('Who is locked out for guessing passwords.');
  const list = locks.command('list').description('Lists the locks.').option('--json', 'one JSON document for programs');
  action(list, async (gateway) => {
    const found = await gateway.get<{ readonly locks: readonly LockLine[] }>(PATH);
    if (list.opts<{ readonly json?: true }>().json === true) terminal.out(JSON.stringify(found, null, 2));
    else if (found.locks.length === 0) terminal.out('nobody is locked out');
    else for (const line of tableOf(COLUMNS, found.locks)) terminal.out(line);
  });

  const clear = locks
    .command('clear')
    .description('Ends locks, so that the next attempt counts as the first.')
    .option('--user <name>', 'of this user')
    .option('--source <address>', 'of this outer address', parseAddress)
    .option('--all', 'all of them')
    .option('--json', 'one JSON document for programs');
  action(clear, async (gateway) => {
    const { user, source, all, json } = clear.opts<ClearFlags>();
    if ((user === undefined && source === undefined) === (all === undefined)) {
      clear.error('error: say which: --user, --source, or --all');
    }
    const done = await gateway.send<{ readonly cleared: number }>('DELETE', `${PATH}${queryOf({ user, source })}`);
    terminal.out(
      json === true ? JSON.stringify(done) : done.cleared === 1 ? '1 lock ended' : `${done.cleared} locks ended`,
    );
    return EXIT.done;
  });
};
