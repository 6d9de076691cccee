import type { IncomingMessage, ServerResponse } from 'node:http';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { printable } from '../../core/bytes/ascii.ts';
import type { Log } from '../../core/ports/log.ts';
import type { AuditLog } from './audit.ts';
import { auditChanges, RefusedBudget } from './audit-changes.ts';
import { type CallerOf, SOCKET_CALLER } from './caller.ts';
import { guard } from './guard.ts';
import { KnownPaths } from './known-paths.ts';
import { answerError, hangUp, refuse } from './refuse.ts';
import { AdminError } from './route.ts';

const BODY_LIMIT = 64 * 1024;
/** Ids, user names and the like in paths. */
const PARAM_LENGTH = 256;
const SHOWN_PATH = 128;

/** What every admin app needs, whatever its routes do. */
export interface AppDeps {
  readonly log: Log;
  readonly audit: AuditLog;
}

export interface AppOptions {
  /** Who asks; the user of the gateway if left out. */
  readonly callerOf?: CallerOf;
  readonly refused?: RefusedBudget;
  /** Answers a GET or HEAD that no route takes: pages for people. */
  readonly pages?: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
}

const pathOf = (request: FastifyRequest): string => {
  const url = request.raw.url ?? '';
  return url.split('?', 1)[0] ?? url;
};

const isRead = (method: string | undefined): boolean => method === 'GET' || method === 'HEAD';

/**
 * The admin API: the routes, and the same shape of refusals for all of them. It listens nowhere; who wants it served
 * makes it ready and hands connections to `app.server`, or requests to `app.routing`. `ready` rejects for a route that
 * has no spec.
 */
export const createAdminApp = <Deps extends AppDeps>(
  deps: Deps,
  routes: readonly ((app: FastifyInstance, deps: Deps) => void)[],
  { callerOf = () => SOCKET_CALLER, refused = new RefusedBudget(() => performance.now()), pages }: AppOptions = {},
): FastifyInstance => {
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: PARAM_LENGTH },
    frameworkErrors: (error, _request, reply) => answerError(error, reply, deps.log),
    clientErrorHandler: hangUp,
    // What is not of its type is refused, not read as something else: a drain with `seconds: null` must not be one with 0.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, allErrors: false } },
  });
  app.removeContentTypeParser('text/plain');
  const paths = new KnownPaths();
  paths.watch(app);
  guard(app, callerOf);
  auditChanges(app, deps.audit, refused);
  app.setErrorHandler((error, _request, reply) => answerError(error, reply, deps.log));
  app.setNotFoundHandler(async (request, reply): Promise<FastifyReply> => {
    const path = pathOf(request);
    const { method } = request.raw;
    const methods = paths.methodsOf(path);
    if (methods.length > 0) {
      const allow = methods.join(', ');
      throw new AdminError(405, 'METHOD_NOT_ALLOWED', `This path takes ${allow}.`, { headers: { allow } });
    }
    if (pages !== undefined && isRead(method) && !path.startsWith('/v1/')) {
      reply.hijack();
      await pages(request.raw, reply.raw);
      return reply;
    }
    const message = `There is no ${printable(method ?? '', SHOWN_PATH)} ${printable(path, SHOWN_PATH)} here.`;
    return refuse(reply, 404, { code: 'NOT_FOUND', message });
  });
  const bare: string[] = [];
  app.addHook('onRoute', ({ url, method, config }) => {
    if (config?.spec === undefined) bare.push(`${[method].flat().join(',')} ${url}`);
  });
  app.addHook('onReady', (done) => {
    done(bare.length === 0 ? undefined : new Error(`no spec, so nobody knows who may ask: ${bare.join('; ')}`));
  });
  for (const route of routes) route(app, deps);
  return app;
};
