import type { LogLevels } from '../../../../observability/log-levels.ts';
import type { LevelRequest } from '../../../admin/routes/log-level.ts';
import { fromSpec } from '../../../admin/spec.ts';
import { LOG_LEVEL, SET_LOG_LEVEL } from '../../../admin/specs/log-level.ts';
import type { WorkerRequest } from '../ask-worker.ts';
import type { Crew } from '../crew.ts';
import { isGood, type ViewDeps, type ViewRoute, withMissing } from '../view-route.ts';

const levelRequest = (levels: LogLevels, actor: string): WorkerRequest => ({
  method: 'PUT',
  path: '/v1/log/level',
  // Without an end: the supervisor keeps the time for all.
  body: { level: levels.state().level } satisfies LevelRequest,
  actor,
});

/** Has every worker follow the level of the supervisor, and a new one too. */
class LevelKeeper {
  /** Workers that the last change has not reached. */
  missing: Promise<readonly number[]> = Promise.resolve([]);

  constructor(crew: Crew, levels: LogLevels) {
    levels.afterChange(({ by }) => {
      this.missing = crew.all(levelRequest(levels, by)).then(({ missing }) => missing);
    });
    crew.links.onStarted(async ({ index }) => {
      const { level, configured } = levels.state();
      if (level === configured) return;
      const reply = await crew.one(index, levelRequest(levels, 'supervisor'));
      if (reply === undefined || !isGood(reply)) throw new Error('it did not take the log level');
    });
  }
}

export const logLevelView: ViewRoute = (app, { crew, levels }: ViewDeps) => {
  const keeper = new LevelKeeper(crew, levels);
  app.route({ ...fromSpec(LOG_LEVEL), handler: () => levels.state() });
  app.route<{ Body: LevelRequest }>({
    ...fromSpec(SET_LOG_LEVEL),
    handler: async (request, reply) => {
      const { level, seconds } = request.body;
      levels.set(level, { by: request.actor, seconds });
      const missing = await keeper.missing;
      return withMissing(reply, levels.state(), missing);
    },
  });
};
