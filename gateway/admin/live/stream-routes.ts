import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../../core/ports/clock.ts';
import type { SessionsQuery } from '../api/sessions.ts';
import { fromSpec } from '../spec.ts';
import { EVENTS } from '../specs/events.ts';
import { SESSIONS_STREAM } from '../specs/sessions.ts';
import { STATS_STREAM } from '../specs/stats.ts';
import type { LiveSource } from './live-source.ts';
import { LiveStreams } from './streams.ts';

/** The streams of a gateway, of one process or several. They end when the app closes. */
export const putStreams = (app: FastifyInstance, source: LiveSource, clock: Clock): void => {
  const streams = new LiveStreams(source, clock);
  app.addHook('preClose', (done) => {
    streams.close();
    done();
  });
  app.route<{ Querystring: SessionsQuery }>({
    ...fromSpec(SESSIONS_STREAM),
    handler: (request, reply) => streams.sessions(request, reply, request.query),
  });
  app.route({ ...fromSpec(STATS_STREAM), handler: (request, reply) => streams.stats(request, reply) });
  app.route({ ...fromSpec(EVENTS), handler: (request, reply) => streams.events(request, reply) });
};
