import type { PoolUse, Stats, StatsHistory } from '../api/stats.ts';
import { liveOf } from '../live/live-of.ts';
import { poolRanges } from '../live/pool-ranges.ts';
import { poolsOf } from '../live/stats-keeper.ts';
import type { AdminRoute } from '../route.ts';
import { fromSpec } from '../spec.ts';
import { POOLS, STATS, STATS_HISTORY } from '../specs/stats.ts';

export const statsRoute: AdminRoute = (app, deps) => {
  const live = liveOf(deps);
  const ranges = poolRanges(deps.config);
  app.addHook('onReady', (done) => {
    live.start();
    done();
  });
  app.addHook('onClose', (_app, done) => {
    live.stop();
    done();
  });
  app.route({
    ...fromSpec(STATS),
    handler: async (): Promise<Stats | undefined> => (await live.look({ queries: [], stats: true })).stats,
  });
  app.route({ ...fromSpec(STATS_HISTORY), handler: (): StatsHistory => live.history() });
  app.route({
    ...fromSpec(POOLS),
    handler: (): { readonly pools: readonly PoolUse[] } => ({ pools: poolsOf({ gateway: deps.gateway, ranges }) }),
  });
};
