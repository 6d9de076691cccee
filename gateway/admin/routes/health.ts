import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Life } from '../../life/life.ts';
import { fromSpec } from '../spec.ts';
import { HEALTHZ, READYZ, STARTUPZ } from '../specs/health.ts';

const say = (reply: FastifyReply, status: 200 | 503, word: string): FastifyReply =>
  reply.code(status).type('text/plain; charset=utf-8').send(`${word}\n`);

/** For load balancers, Kubernetes and the like: a word each, and to everybody. */
export const healthRoute = (app: FastifyInstance, { life }: { readonly life: Life }): void => {
  const phase = () => life.view().phase;
  app.route({ ...fromSpec(HEALTHZ), handler: (_request, reply) => say(reply, 200, 'alive') });
  app.route({
    ...fromSpec(READYZ),
    handler: (_request, reply) => say(reply, phase() === 'ready' ? 200 : 503, phase()),
  });
  app.route({
    ...fromSpec(STARTUPZ),
    handler: (_request, reply) => (phase() === 'starting' ? say(reply, 503, 'starting') : say(reply, 200, 'started')),
  });
};
