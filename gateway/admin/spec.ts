import type { RouteShorthandOptions } from 'fastify';
import type { Role } from './api/roles.ts';

/** JSON schema, as OpenAPI 3.1 has it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * A route of the admin API as everybody sees it: what it takes, what it answers, and who may ask. A gateway of one process
 * and a supervisor serve the same specs with handlers of their own; the OpenAPI document is made of them.
 */
export interface RouteSpec {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** "/v1/sessions/:id". */
  readonly url: string;
  /** Null: without a token. */
  readonly role: Role | null;
  readonly tag: string;
  /** One line. */
  readonly summary: string;
  readonly description?: string;
  /** Objects, with `additionalProperties: false`. */
  readonly params?: JsonSchema;
  readonly query?: JsonSchema;
  readonly body?: JsonSchema;
  /** Of the answer with `status`; what it does not name is not sent. Undefined: no JSON (a stream, a file). */
  readonly answer?: JsonSchema;
  /** 200 if left out. */
  readonly status?: number;
  /** Media type of an answer that is no JSON. */
  readonly produces?: string;
  /** Name of the change for the audit log; every route that changes something has one. */
  readonly audit?: string;
  /** Fields of query and body that the audit keeps, besides all path parameters; never one that holds a secret. */
  readonly auditFields?: readonly string[];
}

declare module 'fastify' {
  interface FastifyContextConfig {
    spec?: RouteSpec;
  }
}

/** For `app.route({ ...fromSpec(SPEC), handler })`. */
export const fromSpec = (
  spec: RouteSpec,
): { readonly method: RouteSpec['method']; readonly url: string } & RouteShorthandOptions => ({
  method: spec.method,
  url: spec.url,
  config: { spec },
  // A HEAD would begin what has no end.
  exposeHeadRoute: spec.method === 'GET' && (spec.produces === undefined || spec.produces === 'text/plain'),
  schema: {
    ...(spec.params === undefined ? {} : { params: spec.params }),
    ...(spec.query === undefined ? {} : { querystring: spec.query }),
    ...(spec.body === undefined ? {} : { body: spec.body }),
    ...(spec.answer === undefined ? {} : { response: { [spec.status ?? 200]: spec.answer } }),
  },
});
