import type { Command } from 'commander';
import type { SessionDetail } from '../admin/api/sessions.ts';
import { EXIT } from './exit.ts';
import type { AdminVerbs } from './running-gateway.ts';
import { addAllOption, askEach, chooseSessions, SESSION_ARGUMENT } from './session-choice.ts';
import { detailLines } from './session-detail.ts';
import { addKickVerb } from './session-kick.ts';
import { addFilterOptions, fetchSessions, filterOf, sessionPath, untilRates } from './session-query.ts';
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

const addShowVerb = (sessions: Command, { terminal, action }: AdminVerbs): void => {
  const show = addAllOption(
    sessions
      .command('show')
      .description('Shows all that is known of one session: numbers, limits, phases and what happened.')
      .argument('<session>', SESSION_ARGUMENT),
  ).option('--json', 'one JSON document for programs; with --all a list');
  action(show, async (gateway, word = '') => {
    const { all = false, json } = show.opts<{ readonly all?: true; readonly json?: true }>();
    const found = await chooseSessions(gateway, terminal, word, { all });
    if (await untilRates(found)) await fetchSessions(gateway, {}, { most: 1 });
    const details: SessionDetail[] = [];
    for await (const detail of askEach(found, all, (id) => gateway.get<SessionDetail>(sessionPath(id)))) {
      if (json !== true) {
        if (details.length > 0) terminal.out('');
        for (const line of detailLines(detail)) terminal.out(line);
      }
      details.push(detail);
    }
    if (json === true) terminal.out(JSON.stringify(all ? details : details[0], null, 2));
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
