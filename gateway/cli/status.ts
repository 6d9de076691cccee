import type { LifeView } from '../admin/api/life.ts';
import type { Stats } from '../admin/api/stats.ts';
import type { GatewaySummary } from '../admin/routes/gateway.ts';
import type { AdminVerbs } from './running-gateway.ts';
import { tunnelsText } from './stats-lines.ts';
import { factLines } from './table.ts';
import { bitRateText, durationText } from './units.ts';

interface Status {
  readonly gateway: GatewaySummary;
  readonly life: LifeView;
  readonly stats: Stats;
}

/** "draining since …, by root; ends what is left at …, then the process" */
export const phaseText = ({ phase, since, by, deadline, thenStop }: LifeView): string => {
  const who = by === null ? '' : `, by ${by}`;
  const end = deadline === null ? '' : `; what is left ends at ${deadline}`;
  const stop = thenStop ? (deadline === null ? '; then the process ends' : ', then the process') : '';
  return `${phase} since ${since}${who}${end}${stop}`;
};

const statusLines = ({ gateway, life, stats }: Status): readonly string[] =>
  factLines([
    ['gateway', `pptp-gateway ${gateway.version} (Node ${gateway.node}), process ${gateway.pid}`],
    ['phase', phaseText(life)],
    ['up for', durationText(gateway.uptimeSeconds)],
    ['sessions', tunnelsText(stats.tunnels)],
    ['traffic', `in ${bitRateText(stats.traffic.rateIn)}, out ${bitRateText(stats.traffic.rateOut)}`],
    ...stats.pools.map(({ pool, range, used, size }) => ['pool', `${pool} (${range}): ${used} of ${size}`] as const),
    ['missing', stats.missing === undefined ? null : `no answer from worker ${stats.missing.join(', ')}`],
  ]);

/** Adds the verb `status`. */
export const addStatusVerb = ({ program, terminal, action }: AdminVerbs): void => {
  const verb = program
    .command('status')
    .description('Shows in a few lines what the running gateway is, and how it is.')
    .option('--json', 'one JSON document for programs');
  action(verb, async (running) => {
    const [gateway, life, stats] = await Promise.all([
      running.get<GatewaySummary>('/v1/gateway'),
      running.get<LifeView>('/v1/life'),
      running.get<Stats>('/v1/stats'),
    ]);
    const status: Status = { gateway, life, stats };
    if (verb.opts<{ readonly json?: true }>().json === true) terminal.out(JSON.stringify(status, null, 2));
    else for (const line of statusLines(status)) terminal.out(line);
  });
};
