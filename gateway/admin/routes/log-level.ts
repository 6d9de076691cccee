import { type LevelState, LOG_LEVELS, type LogLevel } from '../../../observability/log-levels.ts';
import type { AdminRoute } from '../route.ts';

const DAY_SECONDS = 86_400;

/** The body of `PUT /v1/log/level`. */
export interface LevelRequest {
  readonly level: LogLevel;
  /** For this long; for good if left out. */
  readonly seconds?: number;
}

export const levelBody = {
  type: 'object',
  required: ['level'],
  additionalProperties: false,
  properties: {
    level: { type: 'string', enum: LOG_LEVELS },
    seconds: { type: 'integer', minimum: 1, maximum: DAY_SECONDS },
  },
} as const;

export const logLevelRoute: AdminRoute = (app, { levels }) => {
  app.get('/v1/log/level', (): LevelState => levels.state());
  app.put<{ Body: LevelRequest }>('/v1/log/level', { schema: { body: levelBody } }, (request): LevelState => {
    const { level, seconds } = request.body;
    levels.set(level, { by: request.actor, seconds });
    return levels.state();
  });
};
