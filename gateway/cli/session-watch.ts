import type { Command } from 'commander';
import type { SessionsPage } from '../admin/api/sessions.ts';
import { followPlainly } from './follow-plainly.ts';
import { runLive } from './live-view.ts';
import { type AdminVerbs, queryOf } from './running-gateway.ts';
import { addFilterOptions, filterOf, SESSIONS_PATH } from './session-query.ts';
import { sessionColumns } from './session-table.ts';
import { SessionView } from './session-view.ts';
import { tableOf } from './table.ts';
import { countText, wholeNumber } from './units.ts';

interface WatchFlags {
  readonly limit: number;
  readonly count?: number;
  readonly wide?: true;
  readonly json?: true;
}

const DEFAULT_LIMIT = 100;

/** Adds `sessions watch`. */
export const addWatchVerb = (sessions: Command, { terminal, action }: AdminVerbs): void => {
  const watch = addFilterOptions(
    sessions
      .command('watch')
      .description('Shows the sessions live, each second; over the whole terminal if it is one.'),
  )
    .option('--wide', 'all columns')
    .option('--limit <number>', 'at most so many, where it is no terminal', wholeNumber(1, 1000), DEFAULT_LIMIT)
    .option('--count <number>', 'end after so many seconds, where it is no terminal', wholeNumber(1, 1_000_000_000))
    .option('--json', 'a line of JSON each second');
  action(watch, async (gateway) => {
    const { limit, count, wide = false, json = false } = watch.opts<WatchFlags>();
    const filter = filterOf(watch);
    const { screen } = terminal;
    if (screen !== undefined && !json && count === undefined) {
      return runLive(new SessionView(filter, wide), { gateway, terminal, screen });
    }
    return followPlainly<SessionsPage>({
      gateway,
      terminal,
      path: `${SESSIONS_PATH}/stream${queryOf({ ...filter, limit })}`,
      events: ['sessions'],
      ...(count === undefined ? {} : { count }),
      lines: (_event, page, data) => {
        if (json) return [data];
        const { sessions: rows, total } = page;
        const all = countText(total, 'session');
        const shown = rows.length < total ? `${rows.length} of ${all}` : all;
        return [`${new Date().toISOString()}  ${shown}`, ...tableOf(sessionColumns(rows, wide), rows), ''];
      },
    });
  });
};
