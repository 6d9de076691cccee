import type { RouteSpec } from '../spec.ts';

export const EVENTS: RouteSpec = {
  method: 'GET',
  url: '/v1/events',
  role: 'read',
  tag: 'events',
  summary: 'What happens, as server-sent events: session.up, session.down, session.failed, life',
  description: 'With the header Last-Event-ID it begins behind that event, as far as the gateway still knows it.',
  produces: 'text/event-stream',
};
