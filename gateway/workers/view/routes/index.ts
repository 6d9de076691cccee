import { healthRoute } from '../../../admin/routes/health.ts';
import type { ViewRoute } from '../view-route.ts';
import { captureView } from './capture.ts';
import { explainViews } from './explain.ts';
import { gatewayViews } from './gateway.ts';
import { logLevelView } from './log-level.ts';
import { traceView } from './trace.ts';
import { tunnelViews } from './tunnels.ts';

/** How each route of the admin API is answered for all workers; a test finds a route that is not here. */
export const VIEW_ROUTES: readonly ViewRoute[] = [
  healthRoute,
  ...gatewayViews,
  ...tunnelViews,
  ...explainViews,
  logLevelView,
  traceView,
  captureView,
];
