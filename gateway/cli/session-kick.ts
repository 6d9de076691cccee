import type { Command } from 'commander';
import { GatewayError } from '../../core/errors.ts';
import type { Disconnected, DisconnectOrder, SessionRow } from '../admin/api/sessions.ts';
import { EXIT } from './exit.ts';
import type { AdminVerbs, RunningGateway } from './running-gateway.ts';
import { fetchSessions, SESSIONS_PATH } from './session-query.ts';
import { sessionColumns } from './session-table.ts';
import { tableOf } from './table.ts';
import { safeText } from './text.ts';
import { countText, parseAddress } from './units.ts';

interface KickFlags {
  readonly user?: string;
  readonly address?: string;
  readonly peer?: string;
  readonly reason?: string;
  readonly yes?: true;
  readonly json?: true;
}

const SHOWN = 20;
const ORDER_PATH = `${SESSIONS_PATH}/disconnect`;

const orderOf = ({ user, address, peer, reason }: KickFlags, id: string | undefined): DisconnectOrder => ({
  ...(id === undefined ? {} : { id }),
  ...(user === undefined ? {} : { user }),
  ...(address === undefined ? {} : { address }),
  ...(peer === undefined ? {} : { peer }),
  ...(reason === undefined ? {} : { reason }),
});

/** What would end, as far as the gateway can be asked beforehand. */
const matching = async (gateway: RunningGateway, order: DisconnectOrder): Promise<readonly SessionRow[]> => {
  const { id, user, address, peer } = order;
  const wanted = {
    ...(id === undefined ? {} : { search: id }),
    ...(user === undefined ? {} : { user }),
    ...(address === undefined ? {} : { address }),
    ...(peer === undefined ? {} : { peer }),
  };
  const { sessions } = await fetchSessions(gateway, wanted);
  return id === undefined ? sessions : sessions.filter((session) => session.id === id);
};

const describe = ({ id, user, peer }: SessionRow): string => `${id} of ${safeText(user ?? 'nobody yet')} from ${peer}`;

/** Adds `sessions kick`. */
export const addKickVerb = (sessions: Command, { terminal, action }: AdminVerbs): void => {
  const kick = sessions
    .command('kick')
    .description('Ends sessions: the call is cleared, the client told so. Asks first when it is more than one.')
    .argument('[session]', 'its id')
    .option('--user <name>', 'all of this user')
    .option('--address <address>', 'the one with this inner address', parseAddress)
    .option('--peer <address>', 'all from this outer address', parseAddress)
    .option('--reason <text>', 'why, for the log, the accounting and the audit')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'one JSON document for programs');

  const isWanted = async (found: readonly SessionRow[], flags: KickFlags): Promise<boolean> => {
    if (found.length < 2 || flags.yes === true) return true;
    if (!terminal.interactive) {
      kick.error(`error: this would end ${countText(found.length, 'session')}; say --yes if it should`);
    }
    const shown = found.slice(0, SHOWN);
    for (const line of tableOf(sessionColumns(shown), shown)) terminal.err(line);
    if (found.length > SHOWN) terminal.err(`and ${found.length - SHOWN} more`);
    return terminal.confirm(`End these ${found.length} sessions?`);
  };

  action(kick, async (gateway, id) => {
    const flags = kick.opts<KickFlags>();
    const order = orderOf(flags, id);
    if (id === undefined && flags.user === undefined && flags.address === undefined && flags.peer === undefined) {
      kick.error('error: say which: an id, --user, --address or --peer');
    }
    const found = await matching(gateway, order);
    if (found.length === 0) throw new GatewayError('ADMIN_REFUSED', 'there is no such session.');
    if (!(await isWanted(found, flags))) {
      terminal.err('nothing was ended');
      return EXIT.failed;
    }
    const done = await gateway.send<Disconnected>('POST', ORDER_PATH, order);
    if (flags.json === true) terminal.out(JSON.stringify(done));
    else {
      const known = new Map(found.map((session) => [session.id, session]));
      for (const ended of done.disconnected) {
        const session = known.get(ended);
        terminal.out(`ended ${session === undefined ? ended : describe(session)}`);
      }
    }
    if (done.disconnected.length > 0) return EXIT.done;
    terminal.err('nothing was ended: what was found had ended by itself');
    return EXIT.failed;
  });
};
