import { type FastifyInstance, fastify } from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SessionsPage } from '../../../../../gateway/admin/api/sessions.ts';
import { adminRequest } from '../../../../../gateway/admin/client.ts';
import { MISSING_HEADER } from '../../../../../gateway/admin/headers.ts';
import { furtherRoutes } from '../../../../../gateway/admin/routes/further.ts';
import { ADMIN_ROUTES } from '../../../../../gateway/admin/routes/index.ts';
import { Crew } from '../../../../../gateway/workers/view/crew.ts';
import { VIEW_ROUTES } from '../../../../../gateway/workers/view/routes/index.ts';
import { CrewRig, FakeLinks } from '../../../../support/crew-rig.ts';

let rig: CrewRig;
beforeEach(async () => {
  rig = await CrewRig.start();
});
afterEach(() => rig.stop());

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';
const ask = (method: Method, path: string, body?: unknown) =>
  adminRequest(rig.socket, { method, path, ...(body === undefined ? {} : { body }) });
const get = async <T>(path: string): Promise<T> => (await ask('GET', path)).json<T>();
const sessions = () => get<SessionsPage>('/v1/sessions');

/** A client of each worker. */
const connectAll = async (): Promise<void> => {
  for (const { lab } of rig.workers) {
    await lab.connect();
    await lab.clock.advance(1_000);
  }
};

const routesOf = (put: (app: FastifyInstance) => void): readonly string[] => {
  const app = fastify();
  const found: string[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) if (one !== 'HEAD') found.push(`${one} ${url}`);
  });
  put(app);
  return found.toSorted();
};

test('every route of the admin API is answered for several workers, and no other', () => {
  const { deps } = rig.worker(0).rig;
  const one = routesOf((app) => {
    for (const route of [...ADMIN_ROUTES, ...furtherRoutes(undefined)]) route(app, deps);
  });
  const { log, clock, levels } = rig;
  const crew = new Crew(new FakeLinks(1), () => '');
  const { audit, life } = deps;
  const view = {
    version: '1',
    config: deps.config,
    crew,
    life,
    clock,
    log,
    levels,
    audit,
    counts: deps.counts,
    traces: false,
  };
  const many = routesOf((app) => {
    for (const route of VIEW_ROUTES) route(app, view);
  });
  expect(one.length).toBeGreaterThan(10);
  expect(many).toEqual(one);
});

describe('sessions', () => {
  test('are those of all workers, each found by whoever has it', async () => {
    await connectAll();
    const { sessions: all, total, missing } = await sessions();
    expect(total).toBe(2);
    expect(all.map(({ worker }) => worker).toSorted()).toEqual([0, 1]);
    expect(missing).toBeUndefined();
    for (const { id, worker } of all) {
      expect(await get(`/v1/sessions/${id}`)).toMatchObject({ id, worker, user: 'alice', ipv6: null });
    }
    await expect(get('/v1/sessions/none')).rejects.toMatchObject({
      cause: 'NO_SESSION',
      message: 'There is no session none.',
    });
    expect(await get('/v1/gateway')).toMatchObject({
      version: '1.2.3',
      pid: process.pid,
      tunnels: 2,
      workers: [
        { worker: 0, tunnels: 1 },
        { worker: 1, tunnels: 1 },
      ],
    });
  });

  test('lack those of a worker that is not there, and say so', async () => {
    await connectAll();
    await rig.kill(1);
    const reply = await ask('GET', '/v1/sessions');
    expect(reply.headers[MISSING_HEADER]).toBe('1');
    expect(await reply.json()).toMatchObject({ total: 1, sessions: [{ worker: 0 }], missing: [1] });
    await expect(get('/v1/sessions/none')).rejects.toMatchObject({
      cause: 'NO_WORKER',
      message: 'There is no session none. Of worker 1 there was no answer.',
    });
    await rig.kill(0);
    await expect(sessions()).rejects.toMatchObject({ cause: 'NO_WORKER', message: expect.stringContaining('log') });
  });

  test('do not wait for a worker that hangs', async () => {
    await rig.stop();
    rig = await CrewRig.start(2, 200);
    await rig.hang(1);
    expect(await sessions()).toMatchObject({ missing: [1] });
  });
});

describe('explain', () => {
  test('tells what lives before what is over, whichever worker has it', async () => {
    const [{ lab: first }, { lab: second }] = [rig.worker(0), rig.worker(1)];
    await second.dial({ password: 'looking-glass' });
    await second.clock.advance(60_000);
    expect(await get('/v1/explain/alice')).toMatchObject({ worker: 1, findings: [{ case: 'wrong-password' }] });
    await first.connect();
    await first.clock.advance(10_000);
    expect(await get('/v1/explain/alice')).toMatchObject({ worker: 0, record: { outcome: 'up' } });
    expect(await get('/v1/explain/last-failure')).toMatchObject({ worker: 1, findings: [{ case: 'wrong-password' }] });
    expect(await get('/v1/failures')).toMatchObject({ failures: [{ worker: 1, user: 'alice' }] });
    await expect(get('/v1/explain/bob')).rejects.toMatchObject({ cause: 'NOTHING_KNOWN' });
  });

  test('the last failure is that of a tunnel, before who only knocked later at another worker', async () => {
    const [{ lab: first }, { lab: second }] = [rig.worker(0), rig.worker(1)];
    await first.dial({ password: 'looking-glass' });
    await first.clock.advance(60_000);
    const { pipe } = second.line();
    pipe.left.write(new Uint8Array(200).fill(7));
    await second.clock.advance(60_000);
    expect(await get('/v1/explain/last-failure')).toMatchObject({ worker: 0, record: { kind: 'tunnel' } });
  });

  test('sees that clients behind one address are at different workers', async () => {
    const [{ lab: first }, { lab: second }] = [rig.worker(0), rig.worker(1)];
    // Both labs give their first peer the same address.
    await second.connect();
    first.wire.filter = () => false;
    await first.dial();
    await first.clock.advance(8_000);
    const id = first.gateway.tunnels()[0]?.session.id ?? '';
    const { findings } = await get<{ findings: { case: string; what: string }[] }>(`/v1/explain/${id}`);
    expect(findings.map((one) => one.case)).toEqual(['gre-not-arriving', 'clients-behind-one-nat']);
    expect(findings[1]?.what).toContain('1 other tunnel came from 203.0.113.1');
  });
});

describe('the log level', () => {
  const levelOf = (index: number) => rig.worker(index).rig.deps.levels.state().level;

  test('is one for all processes, and for those that come later', async () => {
    const set = await ask('PUT', '/v1/log/level', { level: 'debug', seconds: 600 });
    expect(await set.json()).toEqual({ level: 'debug', configured: 'info', secondsLeft: 600 });
    expect([rig.levels.state().level, levelOf(0), levelOf(1)]).toEqual(['debug', 'debug', 'debug']);
    await rig.kill(1);
    await rig.restart(1);
    expect(levelOf(1)).toBe('debug');
    // As SIGUSR2 does.
    rig.levels.toggle('SIGUSR2');
    await expect.poll(() => [levelOf(0), levelOf(1)]).toEqual(['info', 'info']);
    expect(await get('/v1/log/level')).toEqual({ level: 'info', configured: 'info' });
  });

  test('is refused where it is none, and changed without a worker that is not there', async () => {
    await expect(ask('PUT', '/v1/log/level', { level: 'loud' })).rejects.toMatchObject({ cause: 'INVALID_REQUEST' });
    await rig.kill(0);
    const set = await ask('PUT', '/v1/log/level', { level: 'warn' });
    expect(await set.json()).toMatchObject({ level: 'warn', missing: [0] });
    expect(levelOf(1)).toBe('warn');
  });
});
