import fastifySwagger from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { addOperations, openApiOptions } from './openapi.ts';
import { pageApp, STRICT_POLICY } from './page-app.ts';
import type { PagesOptions } from './pages.ts';
import { ADMIN_SPECS } from './specs/index.ts';

/** What the API is, for programs (/openapi.json) and for people (/docs). */
export const docsPages = async ({ log, version }: PagesOptions): Promise<FastifyInstance> => {
  const app = pageApp(log, STRICT_POLICY);
  // Its routes are only described here.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  await app.register(fastifySwagger, openApiOptions(version));
  await app.register(fastifySwaggerUi, {
    routePrefix: '/docs',
    staticCSP: STRICT_POLICY,
    uiConfig: { docExpansion: 'list', deepLinking: true, tryItOutEnabled: false, persistAuthorization: false },
  });
  addOperations(app, ADMIN_SPECS);
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  await app.ready();
  return app;
};
