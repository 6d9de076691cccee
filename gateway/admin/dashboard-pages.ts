import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { pageApp, STRICT_POLICY } from './page-app.ts';
import type { PagesOptions } from './pages.ts';

const MISSING = 'The dashboard is not built: run "npm run build" in the folder of the gateway and start it again.\n';
/** Files there have a hash of their content in their names. */
const HASHED = /^assets\//;
const YEAR = 'public, max-age=31536000, immutable';

/** The dashboard as it was built. */
export const dashboardPages = async ({ log, dashboard }: PagesOptions): Promise<FastifyInstance> => {
  const app = pageApp(log, STRICT_POLICY);
  if (existsSync(join(dashboard, 'index.html'))) {
    await app.register(fastifyStatic, {
      root: dashboard,
      preCompressed: true,
      dotfiles: 'deny',
      cacheControl: false,
      decorateReply: false,
      setHeaders: (response, path) => {
        // What is kept between us must not give one browser the encoding of another.
        response.setHeader('vary', 'accept-encoding');
        if (HASHED.test(relative(dashboard, path))) response.setHeader('cache-control', YEAR);
      },
    });
  } else {
    app.get('/', (_request, reply) => reply.type('text/plain; charset=utf-8').send(MISSING));
  }
  await app.ready();
  return app;
};
