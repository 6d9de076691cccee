import { auditRoute } from '../../../admin/routes/audit.ts';
import { configRoute } from '../../../admin/routes/config.ts';
import { healthRoute } from '../../../admin/routes/health.ts';
import { lifeRoute } from '../../../admin/routes/life.ts';
import { cannotUpgrade, upgradeRoute } from '../../../admin/routes/upgrade.ts';
import type { ViewRoute } from '../view-route.ts';
import { captureView } from './capture.ts';
import { explainViews } from './explain.ts';
import { gatewayViews } from './gateway.ts';
import { liveViews } from './live.ts';
import { logLevelView } from './log-level.ts';
import { operationViews } from './operations.ts';
import { sessionViews } from './sessions.ts';
import { traceView } from './trace.ts';
import { usersView } from './users.ts';

/** How each route of the admin API is answered for all workers; a test finds a route that is not here. */
export const VIEW_ROUTES: readonly ViewRoute[] = [
  healthRoute,
  ...gatewayViews,
  ...sessionViews,
  liveViews,
  lifeRoute,
  (app, { upgrade = cannotUpgrade('This gateway has nobody to hand it over.') }) => upgradeRoute(upgrade)(app),
  configRoute,
  ...operationViews,
  usersView,
  auditRoute,
  ...explainViews,
  logLevelView,
  traceView,
  captureView,
];
