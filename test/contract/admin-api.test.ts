import { type FastifyInstance, fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { mayAct, ROLES, type Role } from '../../gateway/admin/api/roles.ts';
import { createAdminApp } from '../../gateway/admin/app.ts';
import { silentAudit } from '../../gateway/admin/audit-file.ts';
import type { Caller } from '../../gateway/admin/caller.ts';
import { AdminError } from '../../gateway/admin/route.ts';
import { furtherRoutes } from '../../gateway/admin/routes/further.ts';
import { ADMIN_ROUTES } from '../../gateway/admin/routes/index.ts';
import { fromSpec, type JsonSchema, type RouteSpec } from '../../gateway/admin/spec.ts';
import { ADMIN_SPECS } from '../../gateway/admin/specs/index.ts';
import { TAGS } from '../../gateway/admin/specs/tags.ts';
import { Crew } from '../../gateway/workers/view/crew.ts';
import { VIEW_ROUTES } from '../../gateway/workers/view/routes/index.ts';
import { type AdminRig, adminRig } from '../support/admin-rig.ts';
import { FakeLinks } from '../support/crew-rig.ts';
import { GatewayLab } from '../support/gateway-lab.ts';
import { MemoryLog } from '../support/memory-log.ts';

const name = ({ method, url }: RouteSpec): string => `${method} ${url}`;

/** The specs that routes bring along, or undefined for a route without. */
const specsOf = (put: (app: FastifyInstance) => void): readonly (RouteSpec | undefined)[] => {
  const app = fastify({ exposeHeadRoutes: false });
  const found: (RouteSpec | undefined)[] = [];
  app.addHook('onRoute', ({ method, config }) => {
    if (method !== 'HEAD') found.push(config?.spec);
  });
  put(app);
  return found;
};

const sorted = (specs: readonly (RouteSpec | undefined)[]): readonly string[] =>
  specs.map((spec) => (spec === undefined ? 'no spec' : name(spec))).toSorted();

describe('the specs', () => {
  let rig: AdminRig;
  beforeAll(async () => {
    const lab = new GatewayLab();
    rig = await adminRig({ gateway: lab.gateway, clock: lab.clock });
  });
  afterAll(() => rig.stop());

  test('are those of the routes, one for one, in one process and in several', () => {
    const one = specsOf((app) => {
      for (const route of [...ADMIN_ROUTES, ...furtherRoutes(undefined)]) route(app, rig.deps);
    });
    const crew = new Crew(new FakeLinks(1), () => '');
    const many = specsOf((app) => {
      for (const route of VIEW_ROUTES) route(app, { ...rig.deps, crew, traces: false });
    });
    expect(ADMIN_SPECS.length).toBeGreaterThan(30);
    expect(sorted(one)).toEqual(sorted(ADMIN_SPECS));
    expect(sorted(many)).toEqual(sorted(ADMIN_SPECS));
    for (const spec of ADMIN_SPECS) {
      expect(one, name(spec)).toContain(spec);
      expect(many, name(spec)).toContain(spec);
    }
  });
});

/** Schemas of objects in a schema, itself too. */
const objects = (schema: JsonSchema): readonly JsonSchema[] => {
  const inner = [
    ...Object.values(Object(schema['properties'])),
    ...(schema['items'] === undefined ? [] : [schema['items']]),
  ];
  const below = inner.flatMap((one) => objects(Object(one)));
  return [schema['type']].flat().includes('object') ? [schema, ...below] : below;
};

describe.each(ADMIN_SPECS.map((spec) => [name(spec), spec] as const))('%s', (_name, spec) => {
  const { method, role, audit, auditFields = [], params, query, body, answer, produces, summary, tag, url } = spec;

  it('is a change if and only if it is audited, and then takes more than looking', () => {
    expect(audit === undefined).toBe(method === 'GET');
    if (audit !== undefined) expect(role === null ? 'none' : role).toMatch(/^(operate|admin)$/);
    for (const field of auditFields) {
      expect(field).not.toMatch(/password|secret|token|key/i);
      const fields = [query, body].flatMap((one) => Object.keys(Object(one?.['properties'])));
      expect(fields).toContain(field);
    }
  });

  it('is without a token only where it answers words', () => {
    expect(role === null).toBe(url.endsWith('z'));
    expect(Object.keys(TAGS)).toContain(tag);
    expect(summary).toMatch(/^[A-Z][^\n]*[^.]$/);
  });

  it('takes nothing that it does not name', () => {
    for (const schema of [params, query, body]) {
      for (const one of schema === undefined ? [] : objects(schema)) expect(one['additionalProperties']).toBe(false);
    }
    const named = [...url.matchAll(/:(\w+)/g)].map(([, word]) => word);
    expect(Object.keys(Object(params?.['properties']))).toEqual(named);
  });

  it('says what it answers', () => {
    expect((answer === undefined) !== (produces === undefined)).toBe(true);
    for (const one of answer === undefined ? [] : objects(answer)) expect(one['additionalProperties']).toBeDefined();
  });
});

describe('each role with each route', () => {
  const callerOf = (role: Role | undefined): Caller => ({
    from: '192.0.2.1',
    identify: () => {
      if (role === undefined) throw new AdminError(401, 'UNAUTHORIZED', 'Who are you?');
      return role;
    },
  });
  const appFor = (role: Role | undefined): FastifyInstance =>
    createAdminApp(
      { log: new MemoryLog(), audit: silentAudit },
      ADMIN_SPECS.map((spec) => (app: FastifyInstance) => {
        const { response: _, ...schema } = fromSpec(spec).schema ?? {};
        app.route({ ...fromSpec(spec), schema, handler: (_request, reply) => reply.code(299).send('') });
      }),
      { callerOf: () => callerOf(role) },
    );

  it.each([undefined, ...ROLES])('%s', async (role) => {
    const app = appFor(role);
    for (const spec of ADMIN_SPECS) {
      const { statusCode } = await app.inject({
        method: spec.method,
        url: spec.url.replaceAll(/:\w+/g, 'x'),
        ...(spec.body === undefined ? {} : { payload: {} }),
      });
      if (spec.role === null || (role !== undefined && mayAct(role, spec.role))) {
        expect([299, 400], name(spec)).toContain(statusCode);
      } else {
        expect(statusCode, name(spec)).toBe(role === undefined ? 401 : 403);
      }
    }
    await app.close();
  });
});

test('a route without a spec keeps the app from starting', async () => {
  const app = createAdminApp({ log: new MemoryLog(), audit: silentAudit }, [
    (one) => void one.get('/v1/secret', () => 'everything'),
  ]);
  await expect(app.ready()).rejects.toThrow('no spec, so nobody knows who may ask: GET /v1/secret');
  await app.close();
});
