import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import type { FastifyInstance, FastifySchema } from 'fastify';
import type { JsonSchema, RouteSpec } from './spec.ts';
import { list, object, text } from './specs/json.ts';
import { TAGS } from './specs/tags.ts';

const BEARER = 'token';
const JSON_TYPE = 'application/json';

const problem: JsonSchema = object(
  {
    code: { ...text, description: 'A stable word.' },
    message: { ...text, description: 'A sentence that says what to do.' },
  },
  { errors: list(object({ path: text, message: text })) },
);

const refusal = (description: string): JsonSchema => ({
  description,
  content: { [JSON_TYPE]: { schema: problem } },
});

const REFUSALS = {
  '400': refusal('The request is not as it must be'),
  '401': refusal('There is no token, or not one of this gateway'),
  '403': refusal('The role of the token is not enough'),
  '429': refusal('Too much of something, such as wrong tokens; see Retry-After'),
  '4XX': refusal('Refused'),
  '5XX': refusal('The gateway cannot do it now'),
} as const;

/** "getSessionsById" */
const operationId = ({ method, url }: RouteSpec): string =>
  url
    .replace(/^\/v1/, '')
    .split('/')
    .filter((part) => part !== '')
    .map((part) => (part.startsWith(':') ? `By-${part.slice(1)}` : part))
    .flatMap((part) => part.split(/[^A-Za-z0-9]+/))
    .reduce((name, part) => name + part.charAt(0).toUpperCase() + part.slice(1), method.toLowerCase());

const answerOf = ({ answer, produces, summary }: RouteSpec): JsonSchema => {
  if (answer !== undefined) return { description: summary, content: { [JSON_TYPE]: { schema: answer } } };
  return { description: summary, content: { [produces ?? JSON_TYPE]: { schema: produces === undefined ? {} : text } } };
};

const descriptionOf = ({ role, description }: RouteSpec): string => {
  const who = role === null ? 'Without a token.' : `Role: ${role}.`;
  return description === undefined ? who : `${who} ${description}`;
};

/** A spec as the schema of a route that is only described. */
const describe = (spec: RouteSpec): FastifySchema & { readonly 'x-role': string } => {
  const { role, tag, summary, params, query, body, status = 200 } = spec;
  const refusals = role === null ? { '4XX': REFUSALS['4XX'] } : REFUSALS;
  return {
    summary,
    description: descriptionOf(spec),
    tags: [tag],
    operationId: operationId(spec),
    security: role === null ? [] : [{ [BEARER]: [] }],
    'x-role': role ?? 'none',
    ...(params === undefined ? {} : { params }),
    ...(query === undefined ? {} : { querystring: query }),
    ...(body === undefined ? {} : { body }),
    response: { [status]: answerOf(spec), ...refusals },
  };
};

export const openApiOptions = (version: string): FastifyDynamicSwaggerOptions => ({
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'PPTP gateway',
      description:
        'The admin API. Over the Unix socket everything is allowed; over TCP send a token as `Authorization: Bearer TOKEN`. Every refusal has a body with `code` and `message`.',
      version,
    },
    components: { securitySchemes: { [BEARER]: { type: 'http', scheme: 'bearer' } } },
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
  },
});

/** Adds a route for each spec that the document is made of; nobody can ask for them. */
export const addOperations = (app: FastifyInstance, specs: readonly RouteSpec[]): void => {
  for (const spec of specs) {
    const { method, url } = spec;
    app.route({
      method,
      url,
      exposeHeadRoute: false,
      schema: describe(spec),
      handler: (_request, reply) => reply.callNotFound(),
    });
  }
};
