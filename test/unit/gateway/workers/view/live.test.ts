import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SessionDown, SessionUp } from '../../../../../gateway/admin/api/events.ts';
import type { Disconnected, SessionsPage } from '../../../../../gateway/admin/api/sessions.ts';
import type { Stats, StatsHistory } from '../../../../../gateway/admin/api/stats.ts';
import { adminRequest } from '../../../../../gateway/admin/client.ts';
import { CrewRig } from '../../../../support/crew-rig.ts';
import { EventReader } from '../../../../support/event-reader.ts';

let rig: CrewRig;
let readers: EventReader[];
beforeEach(async () => {
  readers = [];
  rig = await CrewRig.start();
});
afterEach(async () => {
  for (const reader of readers) reader.close();
  await rig.stop();
});

const ask = async <T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T> => {
  const reply = await adminRequest(rig.socket, { method, path, ...(body === undefined ? {} : { body }) });
  return reply.json<T>();
};
const open = async (path: string): Promise<EventReader> => {
  const reader = new EventReader(await adminRequest(rig.socket, { method: 'GET', path }));
  readers.push(reader);
  return reader;
};
const connect = async (worker: number): Promise<void> => {
  const { lab } = rig.worker(worker);
  await lab.connect();
  await lab.clock.advance(1_000);
};

describe('sessions of several workers', () => {
  test('are one list, in order and page by page', async () => {
    for (const worker of [0, 1, 0]) await connect(worker);
    const all = await ask<SessionsPage>('GET', '/v1/sessions?sort=peer');
    expect(all).toMatchObject({ total: 3, offset: 0, limit: 100 });
    const ids = all.sessions.map(({ id }) => id);
    for (const [offset, id] of ids.entries()) {
      const page = await ask<SessionsPage>('GET', `/v1/sessions?sort=peer&offset=${offset}&limit=1`);
      expect(page).toMatchObject({ total: 3, offset, limit: 1, sessions: [{ id }] });
    }
    const second = await ask<SessionsPage>('GET', '/v1/sessions?worker=1');
    expect(second).toMatchObject({ total: 1, sessions: [{ worker: 1 }] });
  });

  test('come as a stream, and lack those of a worker that has gone', async () => {
    await connect(0);
    await connect(1);
    const stream = await open('/v1/sessions/stream?limit=5');
    const first = await stream.expect<SessionsPage>('sessions');
    expect(first.sessions.map(({ worker }) => worker).toSorted()).toEqual([0, 1]);
    await rig.kill(1);
    const advance = async (): Promise<SessionsPage> => {
      await rig.clock.advance(1_000);
      return stream.expect<SessionsPage>('sessions');
    };
    expect(await advance()).toMatchObject({ total: 1, missing: [1] });
  });

  test('are ended wherever they are', async () => {
    await connect(0);
    await connect(1);
    const answer = ask<Disconnected>('POST', '/v1/sessions/disconnect', { user: 'alice' });
    await expect
      .poll(async () => {
        for (const { lab } of rig.workers) await lab.clock.advance(1_000);
        return rig.workers.map(({ lab }) => lab.gateway.sessions());
      })
      .toEqual([0, 0]);
    expect((await answer).disconnected).toHaveLength(2);
    const none = await ask<Disconnected>('POST', '/v1/sessions/disconnect', { user: 'alice' });
    expect(none).toEqual({ disconnected: [] });
    await expect(ask('DELETE', '/v1/sessions/none')).rejects.toMatchObject({ status: 404, cause: 'NO_SESSION' });
  });
});

test('numbers of all workers are added, and each process is told of', async () => {
  await connect(0);
  await connect(1);
  const stats = await ask<Stats>('GET', '/v1/stats');
  expect(stats.tunnels).toEqual({ up: 2, setup: 0, waiting: 0 });
  expect(stats.processes.map(({ worker }) => worker)).toEqual([undefined, 0, 1]);
  expect(stats.pools).toEqual([expect.objectContaining({ pool: 'default', used: 2 })]);
  expect(new Set(stats.stages.map(({ stage }) => stage)).size).toBe(stats.stages.length);
  const history = await ask<StatsHistory>('GET', '/v1/stats/history');
  expect(history.stepSeconds).toBe(5);
  expect(history.points.length).toBeGreaterThan(0);
});

test('events of all workers come as one stream, each once, and none from before', async () => {
  await connect(0);
  const events = await open('/v1/events');
  await events.ready();
  await connect(1);
  const tick = async <T>(name: string): Promise<T> => {
    const next = events.expect<T>(name);
    let come = false;
    next.then(
      () => {
        come = true;
      },
      () => undefined,
    );
    await expect
      .poll(async () => {
        await rig.clock.advance(1_000);
        return come;
      })
      .toBe(true);
    return next;
  };
  expect(await tick<SessionUp>('session.up')).toMatchObject({ user: 'alice', worker: 1 });
  const { lab } = rig.worker(0);
  lab.gateway.hangUp('enough');
  await lab.clock.advance(5_000);
  expect(await tick<SessionDown>('session.down')).toMatchObject({ reason: 'administrative', worker: 0 });
  rig.life.drain({ seconds: 60 }, 'somebody');
  expect(await events.expect('life')).toMatchObject({ phase: 'draining' });
  expect(events.waiting).toBe(0);
});
