import type { Stats } from '../admin/api/stats.ts';
import { followPlainly } from './follow-plainly.ts';
import { type LiveView, runLive } from './live-view.ts';
import type { AdminVerbs } from './running-gateway.ts';
import { statsLines } from './stats-lines.ts';
import { wholeNumber } from './units.ts';

interface StatsFlags {
  readonly watch?: true;
  readonly count?: number;
  readonly json?: true;
}

const PATH = '/v1/stats';
const STREAM = `${PATH}/stream`;

const statsView = (): LiveView<Stats> => {
  let latest: Stats | undefined;
  return {
    event: 'stats',
    path: () => STREAM,
    show: (stats) => {
      latest = stats;
    },
    key: () => undefined,
    lines: ({ rows }, trouble) => {
      const lines = latest === undefined ? [] : statsLines(latest);
      const body = lines.slice(0, Math.max(0, rows - 2)).map((text) => ({ text }));
      const title =
        trouble === undefined
          ? { text: 'statistics' }
          : { text: `${trouble}; trying again`, style: 'warning' as const };
      const filled = Array.from({ length: Math.max(0, rows - 2 - body.length) }, () => ({ text: '' }));
      return [title, ...body, ...filled, { text: 'q quit', style: 'dim' }];
    },
  };
};

/** Adds the verb `stats`. */
export const addStatsVerb = ({ program, terminal, action }: AdminVerbs): void => {
  const stats = program
    .command('stats')
    .description('Shows traffic, where set-ups get to, what is dropped, pools and processes.')
    .option('--watch', 'each second; over the whole terminal if it is one')
    .option(
      '--count <number>',
      'with --watch: end after so many seconds, and keep to lines',
      wholeNumber(1, 1_000_000_000),
    )
    .option('--json', 'JSON for programs: one document, or with --watch a line each second');
  action(stats, async (gateway) => {
    const { watch = false, count, json = false } = stats.opts<StatsFlags>();
    if (!watch) {
      if (count !== undefined) stats.error('error: --count needs --watch');
      const found = await gateway.get<Stats>(PATH);
      if (json) terminal.out(JSON.stringify(found, null, 2));
      else for (const line of statsLines(found)) terminal.out(line);
      return undefined;
    }
    const { screen } = terminal;
    if (screen !== undefined && !json && count === undefined)
      return runLive(statsView(), { gateway, terminal, screen });
    return followPlainly<Stats>({
      gateway,
      terminal,
      path: STREAM,
      events: ['stats'],
      ...(count === undefined ? {} : { count }),
      lines: (_event, value, data) => (json ? [data] : [...statsLines(value), '']),
    });
  });
};
