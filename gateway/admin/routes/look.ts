import { liveOf } from '../live/live-of.ts';
import type { LookOrder } from '../live/live-source.ts';
import type { AdminRoute } from '../route.ts';
import { fromSpec } from '../spec.ts';
import { LOOK } from '../specs/look.ts';

/** Of a worker, for its supervisor. */
export const lookRoute: AdminRoute = (app, deps) => {
  const live = liveOf(deps);
  app.route<{ Body: LookOrder }>({ ...fromSpec(LOOK), handler: ({ body }) => live.answer(body) });
};
