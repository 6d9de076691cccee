import type { Socket } from 'node:net';
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import { printable } from '../../core/bytes/ascii.ts';
import { GatewayError } from '../../core/errors.ts';
import type { Log } from '../../core/ports/log.ts';
import { ACTOR_HEADER } from './headers.ts';
import { AdminError, type AdminErrorBody } from './route.ts';

const ACTOR_LENGTH = 64;
const BODY_LIMIT = 64 * 1024;

const refuse = (reply: FastifyReply, status: number, body: AdminErrorBody): FastifyReply =>
  reply.code(status).type('application/json').send(body);

/** What fastify itself refuses: a body that is too long, no JSON, or not as its schema says. */
const ofClient = (error: unknown): number | undefined => {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : undefined;
};

const answerError = (error: unknown, reply: FastifyReply, log: Log): FastifyReply => {
  if (error instanceof AdminError) {
    return refuse(reply, error.status, { code: error.code, message: error.message });
  }
  if (error instanceof GatewayError) return refuse(reply, 409, { code: error.code, message: error.message });
  const status = ofClient(error);
  if (status !== undefined) {
    const message = error instanceof Error ? error.message : String(error);
    return refuse(reply, status, { code: 'INVALID_REQUEST', message: `${message}.` });
  }
  log.error('admin.fault', 'a bug in an admin route', { error });
  return refuse(reply, 500, { code: 'INTERNAL', message: 'An internal error; the log of the gateway has it.' });
};

/** To who does not speak HTTP, or too much of it; node's parser has given up on the connection. */
const hangUp = (error: Error, socket: Socket): void => {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const tooMuch = 'code' in error && error.code === 'HPE_HEADER_OVERFLOW';
  const [status, what] = tooMuch ? ['431 Request Header Fields Too Large', 'The header is too long'] : NOT_HTTP;
  const body = JSON.stringify({ code: 'INVALID_REQUEST', message: `${what}.` } satisfies AdminErrorBody);
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
};
const NOT_HTTP = ['400 Bad Request', 'This is no HTTP request'] as const;

/**
 * The admin API: the routes, and the same shape of refusals for all of them. It listens nowhere; who wants it served
 * makes it ready and hands connections to `app.server`.
 */
export const createAdminApp = <Deps extends { readonly log: Log }>(
  deps: Deps,
  routes: readonly ((app: FastifyInstance, deps: Deps) => void)[],
): FastifyInstance => {
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    frameworkErrors: (error, _request, reply) => answerError(error, reply, deps.log),
    clientErrorHandler: hangUp,
    ajv: { customOptions: { coerceTypes: 'array', removeAdditional: false, allErrors: false } },
  });
  app.decorateRequest('actor', '');
  app.addHook('onRequest', (request, _reply, done) => {
    const said = request.headers[ACTOR_HEADER];
    request.actor = typeof said === 'string' ? printable(said, ACTOR_LENGTH) : 'unknown';
    done();
  });
  app.setErrorHandler((error, _request, reply) => answerError(error, reply, deps.log));
  app.setNotFoundHandler((request, reply) =>
    refuse(reply, 404, { code: 'NOT_FOUND', message: `There is no ${request.method} ${request.url} here.` }),
  );
  for (const route of routes) route(app, deps);
  return app;
};
