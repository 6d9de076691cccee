import { liveOf } from '../live/live-of.ts';
import { putStreams } from '../live/stream-routes.ts';
import type { AdminRoute } from '../route.ts';

export const streamsRoute: AdminRoute = (app, deps) => putStreams(app, liveOf(deps), deps.clock);
