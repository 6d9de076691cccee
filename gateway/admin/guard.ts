import type { FastifyInstance } from 'fastify';
import { printable } from '../../core/bytes/ascii.ts';
import { mayAct } from './api/roles.ts';
import { type CallerOf, SOCKET_CALLER } from './caller.ts';
import { ACTOR_HEADER } from './headers.ts';
import { AdminError } from './route.ts';
import type { JsonSchema, RouteSpec } from './spec.ts';

const ACTOR_LENGTH = 64;
/** No route has a longer path with its query. */
const URL_LENGTH = 4096;

/** For answers that are data and no pages. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

const strange = (part: string, name: string): AdminError => {
  const message = `must NOT have additional properties: ${JSON.stringify(printable(name, ACTOR_LENGTH))}`;
  return new AdminError(400, 'INVALID_REQUEST', `${part} ${message}.`, { errors: [{ path: part, message }] });
};

const checkUnspoken = (spec: RouteSpec, query: unknown, body: unknown): void => {
  const [name] = spec.query === undefined ? Object.keys(Object(query)) : [];
  if (name !== undefined) throw strange('querystring', name);
  if (spec.body === undefined && body !== undefined && body !== null) {
    throw new AdminError(400, 'INVALID_REQUEST', 'body is not wanted here.');
  }
};

/** In a query all are words. What is no number, and neither true nor false, stays one, and its schema refuses it. */
const inQuery = (type: unknown, word: unknown): unknown => {
  if (type === 'integer' && typeof word === 'string' && /^-?\d{1,15}$/.test(word)) return Number(word);
  if (type === 'boolean' && (word === 'true' || word === 'false')) return word === 'true';
  return word;
};

const readQuery = (schema: JsonSchema, query: unknown): unknown => {
  const properties = Object(schema['properties']);
  const entries = Object.entries(Object(query));
  return Object.fromEntries(entries.map(([name, word]) => [name, inQuery(Object(properties[name]).type, word)]));
};

/** Lets nobody do what the spec of a route does not allow, and nothing into a route that its spec does not name. */
export const guard = (app: FastifyInstance, callerOf: CallerOf): void => {
  app.decorateRequest('actor', '');
  app.decorateRequest('role', null);
  app.decorateRequest('from', '');
  app.addHook('onRequest', (request, reply, done) => {
    const caller = callerOf(request.raw);
    const said = request.headers[ACTOR_HEADER];
    request.from = caller.from;
    const named = typeof said === 'string' && said !== '';
    request.actor = named ? printable(said, ACTOR_LENGTH) : 'unknown';
    void reply.headers(HEADERS);
    if ((request.raw.url ?? '').length > URL_LENGTH) {
      throw new AdminError(414, 'URI_TOO_LONG', `A path may have ${URL_LENGTH} characters at most.`);
    }
    const spec = request.routeOptions.config.spec;
    if (spec !== undefined && spec.role !== null) {
      request.role = caller.identify();
      if (!named && caller !== SOCKET_CALLER) request.actor = `the ${request.role} token`;
      if (!mayAct(request.role, spec.role)) {
        const message = `This takes the role ${spec.role}, and the token is of the role ${request.role}.`;
        throw new AdminError(403, 'FORBIDDEN', message);
      }
    }
    done();
  });
  app.addHook('preValidation', (request, _reply, done) => {
    const spec = request.routeOptions.config.spec;
    if (spec !== undefined) checkUnspoken(spec, request.query, request.body);
    if (spec?.query !== undefined) request.query = readQuery(spec.query, request.query);
    done();
  });
};
