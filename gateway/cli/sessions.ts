import type { Command } from 'commander';
import { GatewayError } from '../../core/errors.ts';
import type { SessionDetail } from '../admin/api/sessions.ts';
import { AdminRefusal } from '../admin/refusal.ts';
import { EXIT } from './exit.ts';
import type { AdminVerbs, RunningGateway } from './running-gateway.ts';
import { detailLines } from './session-detail.ts';
import { addKickVerb } from './session-kick.ts';
import { addFilterOptions, fetchSessions, filterOf, SESSIONS_PATH, untilRates } from './session-query.ts';
import { addSetVerb } from './session-set.ts';
import { sessionColumns } from './session-table.ts';
import { addWatchVerb } from './session-watch.ts';
import { tableOf } from './table.ts';
import { wholeNumber } from './units.ts';

interface ListFlags {
  readonly limit?: number;
  readonly offset?: number;
  readonly wide?: true;
  readonly json?: true;
}

const MOST = 10_000_000;

const asListVerb = (list: Command, { terminal, action }: AdminVerbs): void => {
  addFilterOptions(list)
    .option('--limit <number>', 'at most so many', wholeNumber(1, MOST))
    .option('--offset <number>', 'without the first so many', wholeNumber(0, MOST))
    .option('--wide', 'all columns')
    .option('--json', 'one JSON document for programs');
  action(list, async (gateway) => {
    const { limit, offset = 0, wide, json } = list.opts<ListFlags>();
    const filter = filterOf(list);
    const part = { from: offset, ...(limit === undefined ? {} : { most: limit }) };
    let page = await fetchSessions(gateway, filter, part);
    // Programs that do not sort by rates are not kept waiting for them.
    const wantsRates = json !== true || filter.sort?.includes('rate') === true;
    if (wantsRates && (await untilRates(page.sessions))) page = await fetchSessions(gateway, filter, part);
    const { sessions, total } = page;
    if (json === true) terminal.out(JSON.stringify(page, null, 2));
    else if (sessions.length === 0) terminal.out('no sessions');
    else for (const line of tableOf(sessionColumns(sessions, wide === true), sessions)) terminal.out(line);
    if (json !== true && offset + sessions.length < total) {
      terminal.err(`${sessions.length} of ${total} sessions; --offset ${offset + sessions.length} shows the next`);
    }
  });
};

/** Adds the verb `tunnels`, which is `sessions list`. */
export const addTunnelsVerb = (verbs: AdminVerbs): void =>
  asListVerb(verbs.program.command('tunnels').description('The same as "sessions list".'), verbs);

/** By its id, or the only one of that user or address. */
const findSession = async (gateway: RunningGateway, which: string): Promise<SessionDetail> => {
  const detail = (id: string) => gateway.get<SessionDetail>(`${SESSIONS_PATH}/${encodeURIComponent(id)}`);
  try {
    return await detail(which);
  } catch (error) {
    if (!(error instanceof AdminRefusal) || error.status !== 404) throw error;
    const { sessions } = await fetchSessions(gateway, { user: which }, { most: 10 });
    const [first, ...others] = sessions;
    if (first === undefined) throw error;
    if (others.length === 0) return detail(first.id);
    const ids = sessions.map(({ id }) => id).join(', ');
    throw new GatewayError('ADMIN_REFUSED', `${which} has more than one session: choose one of ${ids}.`);
  }
};

const addShowVerb = (sessions: Command, { terminal, action }: AdminVerbs): void => {
  const show = sessions
    .command('show')
    .description('Shows all that is known of one session: numbers, limits, phases and what happened.')
    .argument('<session>', 'its id, or a user who has only one')
    .option('--json', 'one JSON document for programs');
  action(show, async (gateway, which = '') => {
    let detail = await findSession(gateway, which);
    if (detail.rateIn + detail.rateOut === 0) {
      const { sessions } = await fetchSessions(gateway, { search: detail.id }, { most: 1 });
      if (await untilRates(sessions)) await fetchSessions(gateway, { search: detail.id }, { most: 1 });
      detail = await findSession(gateway, detail.id);
    }
    if (show.opts<{ readonly json?: true }>().json === true) terminal.out(JSON.stringify(detail, null, 2));
    else for (const line of detailLines(detail)) terminal.out(line);
    return EXIT.done;
  });
};

/** Adds `sessions list|show|kick|set|watch`. */
export const addSessionsVerbs = (verbs: AdminVerbs): void => {
  const sessions = verbs.program.command('sessions').description('Sessions of the running gateway.');
  asListVerb(sessions.command('list').description('Lists them: who, from where, since when, how much.'), verbs);
  addShowVerb(sessions, verbs);
  addKickVerb(sessions, verbs);
  addSetVerb(sessions, verbs);
  addWatchVerb(sessions, verbs);
};
