import type { LevelState, LogLevel } from '../../../observability/log-levels.ts';
import type { AdminRoute } from '../route.ts';
import { fromSpec } from '../spec.ts';
import { LOG_LEVEL, SET_LOG_LEVEL } from '../specs/log-level.ts';

/** The body of `PUT /v1/log/level`. */
export interface LevelRequest {
  readonly level: LogLevel;
  /** For this long; for good if left out. */
  readonly seconds?: number;
}

export const logLevelRoute: AdminRoute = (app, { levels }) => {
  app.route({ ...fromSpec(LOG_LEVEL), handler: (): LevelState => levels.state() });
  app.route<{ Body: LevelRequest }>({
    ...fromSpec(SET_LOG_LEVEL),
    handler: (request): LevelState => {
      const { level, seconds } = request.body;
      levels.set(level, { by: request.actor, seconds });
      return levels.state();
    },
  });
};
