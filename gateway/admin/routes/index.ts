import type { AdminRoute } from '../route.ts';
import { auditRoute } from './audit.ts';
import { captureRoute } from './capture.ts';
import { configRoute } from './config.ts';
import { explainRoute } from './explain.ts';
import { gatewayRoute } from './gateway.ts';
import { healthRoute } from './health.ts';
import { lifeRoute } from './life.ts';
import { locksRoute } from './locks.ts';
import { logLevelRoute } from './log-level.ts';
import { pluginsRoute } from './plugins.ts';
import { sessionsRoute } from './sessions.ts';
import { statsRoute } from './stats.ts';
import { streamsRoute } from './streams.ts';
import { usersRoute } from './users.ts';

/** Routes that need nothing but `AdminDeps`. */
export const ADMIN_ROUTES: readonly AdminRoute[] = [
  healthRoute,
  gatewayRoute,
  sessionsRoute,
  statsRoute,
  streamsRoute,
  lifeRoute,
  configRoute,
  pluginsRoute,
  usersRoute,
  locksRoute,
  auditRoute,
  logLevelRoute,
  explainRoute,
  captureRoute,
];
