import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminRequest } from '../../gateway/admin/client.ts';
import type { AdminRoute } from '../../gateway/admin/route.ts';
import type { JsonSchema, RouteSpec } from '../../gateway/admin/spec.ts';
import { ADMIN_SPECS } from '../../gateway/admin/specs/index.ts';
import { type AdminRig, adminRig } from '../support/admin-rig.ts';
import { CrewRig } from '../support/crew-rig.ts';
import type { GatewayLab } from '../support/gateway-lab.ts';
import { journalLab } from '../support/journal-lab.ts';

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);

/** What is wrong with the answer. */
const mistakes = (schema: JsonSchema, answer: unknown): readonly string[] => {
  const validate = ajv.compile(schema);
  return validate(answer) ? [] : (validate.errors ?? []).map((one) => `${one.instancePath} ${one.message}`);
};

/** Reads that need nothing but a gateway; `:id` is that of a session. */
const asked = (url: string): boolean => url.startsWith('/v1/') && !SKIPPED.has(url);
/** A capture and a rule would have to be there; that traces are off is no answer. */
const SKIPPED: ReadonlySet<string> = new Set(['/v1/captures/:id', '/v1/trace/rules', '/v1/users']);
const READS = ADMIN_SPECS.filter(
  ({ method, url, answer }) => method === 'GET' && answer !== undefined && asked(url),
).map((spec) => [spec.url, spec] as const);

const pathOf = ({ url }: RouteSpec, id: string): string => url.replace(':id', id).replace(':which', id);

describe('answers of a gateway of one process', () => {
  let lab: GatewayLab;
  let rig: AdminRig;
  /** What the last route has answered, before its schema cut it. */
  let meant: unknown;
  const spy: AdminRoute = (app) => {
    app.addHook('preSerialization', (_request, _reply, payload, done) => {
      meant = JSON.parse(JSON.stringify(payload));
      done(null, payload);
    });
  };
  beforeAll(async () => {
    const around = await journalLab();
    lab = around.lab;
    rig = await adminRig({
      gateway: lab.gateway,
      clock: lab.clock,
      routes: [spy],
      deps: { journal: around.journal },
    });
    await lab.connect();
    await lab.dial({ password: 'looking-glass' });
    await lab.clock.advance(10_000);
  });
  afterAll(() => rig.stop());

  it.each(READS)('%s is as its schema says, and nothing of it is cut', async (_url, spec) => {
    const id = lab.gateway.tunnels()[0]?.session.id ?? '';
    const reply = await adminRequest(rig.socket, { method: 'GET', path: pathOf(spec, id) });
    const answer = await reply.json();
    expect(mistakes(spec.answer ?? {}, answer)).toEqual([]);
    expect(answer).toEqual(meant);
  });

  it.each([
    ['PATCH', '/v1/sessions/:id', { idleSeconds: 90 }],
    ['POST', '/v1/drain', { seconds: 60 }],
    ['DELETE', '/v1/drain', undefined],
    ['POST', '/v1/reload', undefined],
    ['DELETE', '/v1/locks', undefined],
  ] as const)('%s %s too', async (method, url, body) => {
    const spec = ADMIN_SPECS.find((one) => one.method === method && one.url === url);
    if (spec === undefined) throw new Error('there is no such route');
    const id = lab.gateway.tunnels()[0]?.session.id ?? '';
    const path = pathOf(spec, id);
    const reply = await adminRequest(rig.socket, { method, path, ...(body === undefined ? {} : { body }) });
    const answer = await reply.json();
    expect(mistakes(spec.answer ?? {}, answer)).toEqual([]);
    expect(answer).toEqual(meant);
  });
});

describe('answers of a supervisor', () => {
  let rig: CrewRig;
  beforeAll(async () => {
    rig = await CrewRig.start();
    for (const { lab } of rig.workers) {
      await lab.connect();
      await lab.clock.advance(1_000);
    }
  });
  afterAll(() => rig.stop());

  const check = async (spec: RouteSpec): Promise<void> => {
    const id = rig.worker(0).lab.gateway.tunnels()[0]?.session.id ?? '';
    const reply = await adminRequest(rig.socket, { method: 'GET', path: pathOf(spec, id) });
    expect(mistakes(spec.answer ?? {}, await reply.json())).toEqual([]);
  };

  it.each(READS)('%s is as its schema says', (_url, spec) => check(spec));

  it('are so also when a worker is missing', async () => {
    await rig.kill(1);
    for (const [, spec] of READS) await check(spec);
  });
});

it('every route that changes something is audited, and only those', () => {
  for (const { method, url, audit, role } of ADMIN_SPECS) {
    expect([url, audit !== undefined]).toEqual([url, method !== 'GET']);
    if (method !== 'GET') expect([url, role]).not.toEqual([url, 'read']);
  }
});
