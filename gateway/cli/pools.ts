import type { PoolUse } from '../admin/api/stats.ts';
import type { AdminVerbs } from './running-gateway.ts';
import { poolLines } from './stats-lines.ts';

/** Adds the verb `pools`. */
export const addPoolsVerb = ({ program, terminal, action }: AdminVerbs): void => {
  const verb = program
    .command('pools')
    .description('Shows how many addresses of each pool are in use.')
    .option('--json', 'one JSON document for programs');
  action(verb, async (gateway) => {
    const found = await gateway.get<{ readonly pools: readonly PoolUse[] }>('/v1/pools');
    if (verb.opts<{ readonly json?: true }>().json === true) terminal.out(JSON.stringify(found, null, 2));
    else if (found.pools.length === 0) terminal.out('no pools');
    else for (const line of poolLines(found.pools)) terminal.out(line);
  });
};
