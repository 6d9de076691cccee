import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../../config/load.ts';
import type { Disconnected, SessionDetail, SessionsPage } from '../../../../gateway/admin/api/sessions.ts';
import { adminRequest } from '../../../../gateway/admin/client.ts';
import { type AdminRig, adminRig } from '../../../support/admin-rig.ts';
import type { GatewayLab } from '../../../support/gateway-lab.ts';
import { type JournalLab, journalLab } from '../../../support/journal-lab.ts';

const USERS = { alice: { password: 'wonderland' }, bob: { password: 'wonderland' }, carol: { password: 'wonderland' } };

let around: JournalLab;
let lab: GatewayLab;
let rig: AdminRig;
beforeEach(async () => {
  const env = { PPTP_IDLE_TIMEOUT: '600' };
  around = await journalLab({ users: USERS, env });
  lab = around.lab;
  const { config } = loadConfig({ env });
  rig = await adminRig({ gateway: lab.gateway, clock: lab.clock, config, deps: { journal: around.journal } });
});
afterEach(() => rig.stop());

const ask = async <T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T> => {
  const reply = await adminRequest(rig.socket, { method, path, ...(body === undefined ? {} : { body }) });
  return reply.json<T>();
};
const list = (query = ''): Promise<SessionsPage> => ask<SessionsPage>('GET', `/v1/sessions${query}`);
const users = async (query: string): Promise<readonly (string | null)[]> =>
  (await list(query)).sessions.map(({ user }) => user);

/** What needs virtual time to be answered. */
const passing = async <T>(answer: Promise<T>): Promise<T> => {
  let over = false;
  const settled = answer.finally(() => {
    over = true;
  });
  settled.catch(() => undefined);
  while (!over) {
    await lab.clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return settled;
};

const connectAll = async (): Promise<void> => {
  for (const user of ['bob', 'alice', 'carol']) await lab.connect({ user });
};

describe('the list', () => {
  it('is filtered, sorted and in pages', async () => {
    await connectAll();
    expect(await users('')).toEqual(['bob', 'alice', 'carol']);
    expect(await users('?sort=user')).toEqual(['alice', 'bob', 'carol']);
    expect(await users('?sort=-user&limit=2')).toEqual(['carol', 'bob']);
    expect(await users('?sort=-user&limit=2&offset=2')).toEqual(['alice']);
    expect(await users('?user=ALICE')).toEqual(['alice']);
    expect(await users('?search=CAR')).toEqual(['carol']);
    expect(await users('?peer=203.0.113.2')).toEqual(['alice']);
    expect(await users('?state=setup')).toEqual([]);
    expect(await users('?worker=1')).toEqual([]);
    const page = await list('?limit=1&offset=1');
    expect(page).toMatchObject({ total: 3, offset: 1, limit: 1 });
    const { address } = page.sessions[0] ?? {};
    expect(await users(`?address=${address}`)).toEqual(['alice']);
    expect(page.sessions[0]).toMatchObject({ state: 'up', method: 'ms-chap-v2', encryption: 'MPPE 128 stateless' });
  });

  it.each([
    '?sort=password',
    '?limit=0',
    '?limit=1001',
    '?limit=',
    '?limit=1e2',
    '?limit=0x10',
    '?limit=1&limit=2',
    '?offset=-1',
    '?peer=x',
    '?nonsense=1',
    '?__proto__=1',
    '?constructor=1',
    '?state=down',
  ])('refuses %s', async (query) => {
    await expect(list(query)).rejects.toMatchObject({ cause: 'INVALID_REQUEST' });
  });

  it('has rates from the second look on', async () => {
    const client = await lab.connect();
    expect((await list()).sessions[0]).toMatchObject({ rateIn: 0 });
    const packets = 20;
    for (let sent = 0; sent < packets; sent += 1) {
      client.tun.hostSends(Uint8Array.of(0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2));
    }
    await lab.clock.advance(2_000);
    const [row] = (await list()).sessions;
    expect(row?.rateIn).toBeGreaterThan(0);
    expect(row?.rateIn).toBeLessThan(row?.octetsIn ?? 0);
  });
});

describe('one session', () => {
  it('is shown with its profile, its phases and what happened', async () => {
    await lab.connect();
    const { id } = (await list()).sessions[0] ?? { id: '' };
    const shown = await ask<SessionDetail>('GET', `/v1/sessions/${id}`);
    expect(shown).toMatchObject({
      id,
      user: 'alice',
      ipv6: null,
      profile: { rateUp: null, rateDown: null, filter: null, idleSeconds: 600, sessionSeconds: null, routes: [] },
    });
    expect(shown.phases.map(({ name }) => name)).toEqual(expect.arrayContaining(['control', 'lcp', 'auth', 'ipcp']));
    expect(shown.timeline).toEqual(expect.any(Array));
  });

  it('is changed at once, and put back', async () => {
    await lab.connect();
    const { id } = (await list()).sessions[0] ?? { id: '' };
    const path = `/v1/sessions/${id}`;
    const changed = await ask<SessionDetail>('PATCH', path, { idleSeconds: 30, sessionSeconds: 3600 });
    expect(changed.profile).toMatchObject({ idleSeconds: 30, sessionSeconds: 3600 });
    const back = await ask<SessionDetail>('PATCH', path, { idleSeconds: null });
    expect(back.profile).toMatchObject({ idleSeconds: 600, sessionSeconds: 3600 });
    await expect(ask('PATCH', path, {})).rejects.toMatchObject({ cause: 'INVALID_REQUEST' });
    await expect(ask('PATCH', path, { rateUp: 0 })).rejects.toMatchObject({ cause: 'INVALID_REQUEST' });
    await expect(ask('PATCH', path, { filter: 'nowhere' })).rejects.toMatchObject({
      status: 409,
      cause: 'CHANGE_REFUSED',
    });
    await expect(ask('PATCH', '/v1/sessions/none', { idleSeconds: 1 })).rejects.toMatchObject({
      status: 404,
      cause: 'NO_SESSION',
    });
  });

  it('ends in order with a reason, and the peer hears it', async () => {
    const { events } = await lab.connect();
    const { id } = (await list()).sessions[0] ?? { id: '' };
    const done = await passing(ask<Disconnected>('DELETE', `/v1/sessions/${id}?reason=stolen`));
    expect(done).toEqual({ disconnected: [id] });
    expect((await list()).total).toBe(0);
    await lab.clock.advance(1_000);
    expect(events.at(-1)).toMatchObject({ kind: 'call-closed', detail: 'Call-Disconnect-Notify: admin-shutdown' });
    expect(around.journal.find('alice')?.end).toMatchObject({ reason: 'administrative', detail: 'operator: stolen' });
    const [entry] = await rig.deps.audit.read({ limit: 1 });
    expect(entry).toMatchObject({ action: 'session.disconnect', outcome: 'done', target: { id, reason: 'stolen' } });
    await expect(passing(ask('DELETE', `/v1/sessions/${id}`))).rejects.toMatchObject({ cause: 'NO_SESSION' });
  });

  it('is changed and ended also before its user has proven itself', async () => {
    lab.wire.filter = () => false;
    await lab.dial();
    await lab.clock.advance(1_000);
    const [row] = (await list('?state=setup')).sessions;
    expect(row).toMatchObject({ user: null, method: null, address: null });
    const path = `/v1/sessions/${row?.id}`;
    await expect(ask('PATCH', path, { idleSeconds: 5 })).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining('nobody has proven'),
    });
    expect((await ask<SessionDetail>('GET', path)).profile).toBeNull();
    expect(await passing(ask('DELETE', path))).toEqual({ disconnected: [row?.id] });
    expect((await list()).total).toBe(0);
  });
});

describe('disconnect', () => {
  it('ends all that fit, and no other', async () => {
    await connectAll();
    const done = await passing(ask<Disconnected>('POST', '/v1/sessions/disconnect', { user: 'Alice' }));
    expect(done.disconnected).toHaveLength(1);
    expect(await users('?sort=user')).toEqual(['bob', 'carol']);
    const none = await ask<Disconnected>('POST', '/v1/sessions/disconnect', { user: 'bob', peer: '192.0.2.1' });
    expect(none).toEqual({ disconnected: [] });
    for (const order of [{}, { reason: 'all of them' }]) {
      await expect(ask('POST', '/v1/sessions/disconnect', order)).rejects.toMatchObject({ status: 400 });
    }
    expect((await list()).total).toBe(2);
  });
});
