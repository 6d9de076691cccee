import type { Command } from 'commander';
import { GatewayError } from '../../core/errors.ts';
import type { Disconnected, DisconnectOrder, SessionRow } from '../admin/api/sessions.ts';
import { EXIT } from './exit.ts';
import { type AdminVerbs, type RunningGateway, SOME_TIME } from './running-gateway.ts';
import { addAllOption, chooseSessions, listSessions, SESSION_ARGUMENT } from './session-choice.ts';
import { fetchSessions, SESSIONS_PATH } from './session-query.ts';
import { safeText } from './text.ts';
import { countText, parseAddress } from './units.ts';
import { whileWaiting } from './while-waiting.ts';

type Filter = Pick<DisconnectOrder, 'user' | 'address' | 'peer'>;

interface KickFlags extends Filter {
  readonly reason?: string;
  readonly all?: true;
  readonly yes?: true;
  readonly json?: true;
}

const ORDER_PATH = `${SESSIONS_PATH}/disconnect`;
/** Each is answered when the session is over, which takes a client a moment. */
const AT_ONCE = 16;

const filterOf = ({ user, address, peer }: KickFlags): Filter => ({
  ...(user === undefined ? {} : { user }),
  ...(address === undefined ? {} : { address }),
  ...(peer === undefined ? {} : { peer }),
});

const describe = ({ id, user, peer }: SessionRow): string => `${id} of ${safeText(user ?? 'nobody yet')} from ${peer}`;

/** Ends these and no others, whatever fits as well by now. */
const endEach = async (
  gateway: RunningGateway,
  found: readonly SessionRow[],
  reason: Pick<DisconnectOrder, 'reason'>,
): Promise<Disconnected> => {
  const left = [...found];
  const disconnected: string[] = [];
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const order: DisconnectOrder = { id: next.id, ...reason };
      disconnected.push(...(await gateway.send<Disconnected>('POST', ORDER_PATH, order, SOME_TIME)).disconnected);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, left.length) }, work));
  return { disconnected };
};

/** Adds `sessions kick`. */
export const addKickVerb = (sessions: Command, { terminal, action }: AdminVerbs): void => {
  const kick = addAllOption(
    sessions
      .command('kick')
      .description('Ends sessions: the call is cleared, the client told so. Asks first when it is more than one.')
      .argument('[session]', SESSION_ARGUMENT),
  )
    .option('--user <name>', 'all of this user')
    .option('--address <address>', 'the one with this inner address', parseAddress)
    .option('--peer <address>', 'all from this outer address', parseAddress)
    .option('--reason <text>', 'why, for the log, the accounting and the audit')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'one JSON document for programs');

  const isWanted = async (found: readonly SessionRow[], flags: KickFlags): Promise<boolean> => {
    if (found.length < 2 || flags.yes === true || flags.all === true) return true;
    if (!terminal.interactive) {
      kick.error(`error: this would end ${countText(found.length, 'session')}; say --yes if it should`);
    }
    listSessions(found, terminal.err);
    return terminal.confirm(`End these ${found.length} sessions?`);
  };

  action(kick, async (gateway, word) => {
    const flags = kick.opts<KickFlags>();
    const filter = filterOf(flags);
    const reason = flags.reason === undefined ? {} : { reason: flags.reason };
    if (word === undefined && Object.keys(filter).length === 0) {
      kick.error('error: say which: an id, a user, an inner address, --user, --address or --peer');
    }
    const found =
      word === undefined
        ? (await fetchSessions(gateway, filter)).sessions
        : await chooseSessions(gateway, terminal, word, { all: flags.all === true, filter });
    if (found.length === 0) throw new GatewayError('ADMIN_REFUSED', 'there is no such session.');
    if (word === undefined && !(await isWanted(found, flags))) {
      terminal.err('nothing was ended');
      return EXIT.failed;
    }
    const asked =
      word === undefined
        ? gateway.send<Disconnected>('POST', ORDER_PATH, { ...filter, ...reason }, SOME_TIME)
        : endEach(gateway, found, reason);
    const done = await whileWaiting(terminal, `ending ${countText(found.length, 'session')}`, asked);
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
