import type { SessionsQuery } from '../../../admin/api/sessions.ts';
import type { PoolUse, StatsHistory } from '../../../admin/api/stats.ts';
import { mergeHistories, mergePools } from '../../../admin/live/merge-stats.ts';
import { putStreams } from '../../../admin/live/stream-routes.ts';
import { fromSpec } from '../../../admin/spec.ts';
import { SESSIONS } from '../../../admin/specs/sessions.ts';
import { POOLS, STATS, STATS_HISTORY } from '../../../admin/specs/stats.ts';
import { crewLiveOf } from '../crew-live-of.ts';
import { everyWorker, type ViewRoute, withMissing } from '../view-route.ts';

const history = everyWorker<StatsHistory>(STATS_HISTORY, (parts) => mergeHistories(parts.map(({ body }) => body)));
const pools = everyWorker<{ readonly pools: readonly PoolUse[] }>(POOLS, (parts) => ({
  pools: mergePools(parts.flatMap(({ body }) => body.pools)),
}));

/** Sessions and numbers of all workers, once or as streams. */
export const liveViews: ViewRoute = (app, deps) => {
  const live = crewLiveOf(deps);
  app.addHook('onReady', (done) => {
    live.start();
    done();
  });
  app.addHook('onClose', (_app, done) => {
    live.stop();
    done();
  });
  app.route<{ Querystring: SessionsQuery }>({
    ...fromSpec(SESSIONS),
    handler: async ({ query }, reply) => {
      const { pages } = await live.look({ queries: [query], stats: false, events: false });
      return withMissing(reply, pages[0] ?? {}, pages[0]?.missing ?? []);
    },
  });
  app.route({
    ...fromSpec(STATS),
    handler: async (_request, reply) => {
      const { stats } = await live.look({ queries: [], stats: true, events: false });
      return withMissing(reply, stats ?? {}, stats?.missing ?? []);
    },
  });
  history(app, deps);
  pools(app, deps);
  putStreams(app, live, deps.clock);
};
