import { MOST_OFFSET, MOST_ROWS } from '../live/page.ts';
import type { RouteSpec } from '../spec.ts';
import { list, object, whole } from './json.ts';
import { sessionsQuery } from './sessions.ts';

/** Of workers only; not part of what operators see. */
export const LOOK: RouteSpec = {
  method: 'POST',
  url: '/v1/look',
  role: 'admin',
  tag: 'workers',
  summary: 'Pages of sessions, numbers and events, at once',
  body: object(
    { queries: { ...list(sessionsQuery(MOST_OFFSET + MOST_ROWS)), maxItems: 64 }, stats: { type: 'boolean' } },
    { after: whole },
  ),
};
