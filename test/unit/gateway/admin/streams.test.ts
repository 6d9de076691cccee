import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SessionDown, SessionFailed, SessionUp } from '../../../../gateway/admin/api/events.ts';
import type { SessionsPage } from '../../../../gateway/admin/api/sessions.ts';
import type { Stats } from '../../../../gateway/admin/api/stats.ts';
import { adminRequest } from '../../../../gateway/admin/client.ts';
import { MOST_OF_TOKEN } from '../../../../gateway/admin/live/stream-places.ts';
import { type AdminRig, adminRig } from '../../../support/admin-rig.ts';
import { EventReader } from '../../../support/event-reader.ts';
import { GatewayLab } from '../../../support/gateway-lab.ts';

let lab: GatewayLab;
let rig: AdminRig;
let readers: EventReader[];
beforeEach(async () => {
  readers = [];
  lab = await GatewayLab.start();
  rig = await adminRig({ gateway: lab.gateway, clock: lab.clock });
});
afterEach(async () => {
  for (const reader of readers) reader.close();
  await rig.stop();
});

const open = async (path: string): Promise<EventReader> => {
  const reply = await adminRequest(rig.socket, { method: 'GET', path });
  expect(reply.headers['content-type']).toContain('text/event-stream');
  const reader = new EventReader(reply);
  readers.push(reader);
  return reader;
};

/** The events behind that one. */
const comeBack = (lastId: string): Promise<EventReader> =>
  new Promise((resolve, reject) => {
    const headers = { 'last-event-id': lastId };
    const asked = request({ socketPath: rig.socket, path: '/v1/events', headers }, (stream) => {
      const reader = new EventReader({ stream });
      readers.push(reader);
      resolve(reader);
    });
    asked.on('error', reject);
    asked.end();
  });

describe('the stream of sessions', () => {
  it('begins at once and goes on each second, filtered and sorted as the list is', async () => {
    await lab.connect();
    const all = await open('/v1/sessions/stream?sort=-rateIn&limit=10');
    const none = await open('/v1/sessions/stream?user=bob');
    expect(await all.expect<SessionsPage>('sessions')).toMatchObject({ total: 1, sessions: [{ user: 'alice' }] });
    expect(await none.expect<SessionsPage>('sessions')).toMatchObject({ total: 0, sessions: [] });
    for (let second = 1; second <= 3; second += 1) {
      await lab.clock.advance(1_000);
      const { sessions } = await all.expect<SessionsPage>('sessions');
      expect(sessions[0]?.seconds).toBeGreaterThanOrEqual(second);
      await none.expect<SessionsPage>('sessions');
    }
  });

  it('refuses what the list refuses', async () => {
    await expect(open('/v1/sessions/stream?sort=x')).rejects.toMatchObject({ cause: 'INVALID_REQUEST' });
  });
});

it('numbers come each second', async () => {
  const stats = await open('/v1/stats/stream');
  expect(await stats.expect<Stats>('stats')).toMatchObject({ tunnels: { up: 0 } });
  await lab.connect();
  await lab.clock.advance(1_000);
  await stats.expect<Stats>('stats');
  await expect.poll(async () => (await stats.expect<Stats>('stats')).tunnels.up).toBe(1);
});

describe('events', () => {
  it('come as they happen, and again to who comes back', async () => {
    const events = await open('/v1/events');
    await events.ready();
    const client = await lab.connect();
    const up = await events.expect<SessionUp>('session.up');
    expect(up).toMatchObject({
      user: 'alice',
      encryption: 'MPPE 128 stateless',
      address: expect.stringContaining('.'),
    });
    const hangUp = client.peer.stop();
    await lab.clock.advance(5_000);
    await hangUp;
    expect(await events.expect<SessionDown>('session.down')).toMatchObject({ id: up.id, reason: expect.any(String) });
    await lab.dial({ password: 'looking-glass' });
    await lab.clock.advance(60_000);
    const failed = await events.expect<SessionFailed>('session.failed');
    expect(failed).toMatchObject({ user: null, error: 'authentication-failed' });
    const again = await comeBack('1');
    expect(await again.expect<SessionUp>('session.up')).toEqual(up);
    await again.expect('session.down');
    expect(await again.expect('session.failed')).toEqual(failed);
    const later = await open('/v1/events');
    await later.ready();
    rig.deps.life.drain({ seconds: 60 }, 'somebody');
    expect(await later.expect('life')).toMatchObject({ phase: 'draining', by: 'somebody' });
    expect(await again.expect('life')).toMatchObject({ phase: 'draining' });
  });
});

it('streams are bounded, and one that is closed makes room', async () => {
  for (let at = 0; at < MOST_OF_TOKEN; at += 1) await open('/v1/events');
  await expect(open('/v1/events')).rejects.toMatchObject({ status: 429, cause: 'TOKEN_STREAMS' });
  readers[0]?.close();
  await expect
    .poll(() =>
      open('/v1/stats/stream').then(
        () => true,
        () => false,
      ),
    )
    .toBe(true);
});

it('streams end when the gateway does', async () => {
  const events = await open('/v1/events');
  const stats = await open('/v1/stats/stream');
  await stats.expect('stats');
  await rig.server.stop();
  expect(await events.next()).toBeUndefined();
  expect(await stats.next()).toBeUndefined();
});

it('nothing is looked at while nobody reads', async () => {
  const reader = await open('/v1/stats/stream');
  await reader.expect('stats');
  reader.close();
  let looks = 0;
  const { live } = lab.gateway;
  const all = live.all.bind(live);
  Object.assign(live, {
    all: () => {
      looks += 1;
      return all();
    },
  });
  // The connection of a reader that went away closes in real time; the history goes on about every five seconds.
  await expect
    .poll(async () => {
      looks = 0;
      await lab.clock.advance(4_000);
      return looks;
    })
    .toBeLessThanOrEqual(2);
});

it('a reader that takes nothing costs no memory, and is given up', async () => {
  for (let call = 0; call < 3; call += 1) await lab.connect();
  const socket = connect(rig.socket);
  socket.write('GET /v1/sessions/stream?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n');
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  await new Promise<void>((resolve) => socket.once('data', () => resolve()));
  socket.pause();
  const heap = process.memoryUsage().arrayBuffers;
  for (let second = 0; second < 1_500; second += 1) {
    await lab.clock.advance(1_000);
    if (second % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(process.memoryUsage().arrayBuffers - heap).toBeLessThan(4 * 1024 * 1024);
  socket.resume();
  await closed;
});
