import type { AdminRoute } from '../route.ts';
import { captureRoute } from './capture.ts';
import { explainRoute } from './explain.ts';
import { gatewayRoute } from './gateway.ts';
import { healthRoute } from './health.ts';
import { logLevelRoute } from './log-level.ts';
import { tunnelsRoute } from './tunnels.ts';

/** Routes that need nothing but `AdminDeps`. */
export const ADMIN_ROUTES: readonly AdminRoute[] = [
  healthRoute,
  gatewayRoute,
  tunnelsRoute,
  logLevelRoute,
  explainRoute,
  captureRoute,
];
