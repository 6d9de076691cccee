import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../../config/load.ts';
import type { UserLine } from '../../../../gateway/admin/api/operations.ts';
import { adminRequest } from '../../../../gateway/admin/client.ts';
import { readUsers } from '../../../../plugins/backend-user-file/index.ts';
import { type AdminRig, adminRig } from '../../../support/admin-rig.ts';
import { GatewayLab } from '../../../support/gateway-lab.ts';

let folder: string;
let lab: GatewayLab;
let rig: AdminRig;
const start = async (env: Readonly<Record<string, string>>): Promise<void> => {
  const { config } = loadConfig({ env });
  rig = await adminRig({ gateway: lab.gateway, clock: lab.clock, config });
};
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pptp-users-'));
  lab = await GatewayLab.start();
  await start({ PPTP_USERS_FILE: join(folder, 'users.json'), PPTP_POOL: '10.77.0.0/24' });
});
afterEach(async () => {
  await rig.stop();
  rmSync(folder, { recursive: true });
});

type Method = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
const ask = async <T>(method: Method, path: string, body?: unknown): Promise<T> => {
  const reply = await adminRequest(rig.socket, { method, path, ...(body === undefined ? {} : { body }) });
  return reply.json<T>();
};
const users = async (): Promise<readonly UserLine[]> =>
  (await ask<{ readonly users: readonly UserLine[] }>('GET', '/v1/users')).users;
const stored = () => readUsers(join(folder, 'users.json'));

describe('users', () => {
  it('are added, with a password that is made and told once, or with their own', async () => {
    const made = await ask<{ readonly name: string; readonly password: string }>('POST', '/v1/users', {
      name: 'alice',
      address: '10.77.0.9',
    });
    expect(made).toEqual({ name: 'alice', password: expect.stringMatching(/^\w{4}-\w{4}-\w{4}-\w{4}$/) });
    expect(await ask('POST', '/v1/users', { name: 'bob', password: 'looking-glass', expired: true })).toEqual({
      name: 'bob',
    });
    await lab.connect();
    expect(await users()).toEqual([
      { name: 'alice', address: '10.77.0.9', expired: false, sessions: 1 },
      { name: 'bob', address: null, expired: true, sessions: 0 },
    ]);
    const audit = JSON.stringify(await rig.deps.audit.read({ limit: 10 }));
    expect(audit).toContain('user.add');
    expect(audit).not.toContain('looking-glass');
    expect(audit).not.toContain(made.password);
  });

  it('get another password, address or an expired password, and go', async () => {
    await ask('POST', '/v1/users', { name: 'alice', password: 'wonderland' });
    const [before] = await stored();
    const { password } = await ask<{ readonly password: string }>('PUT', '/v1/users/ALICE/password');
    expect(password).toMatch(/^\w{4}-/);
    expect((await stored())[0]?.ntHash).not.toEqual(before?.ntHash);
    expect(await ask('PATCH', '/v1/users/alice', { address: '10.77.0.4', expired: true })).toEqual({
      name: 'alice',
      address: '10.77.0.4',
      expired: true,
    });
    expect(await ask('PATCH', '/v1/users/alice', { address: null, expired: false })).toEqual({
      name: 'alice',
      address: null,
      expired: false,
    });
    expect(await ask('DELETE', '/v1/users/alice')).toEqual({ name: 'alice', disconnected: [] });
    expect(await users()).toEqual([]);
  });

  it('may have their sessions ended when they go', async () => {
    await ask('POST', '/v1/users', { name: 'alice', password: 'wonderland' });
    await lab.connect();
    const answer = ask<{ readonly disconnected: readonly string[] }>('DELETE', '/v1/users/alice?disconnect=true');
    await expect
      .poll(async () => {
        await lab.clock.advance(1_000);
        return lab.gateway.sessions();
      })
      .toBe(0);
    expect((await answer).disconnected).toHaveLength(1);
  });

  it.each([
    ['POST', '/v1/users', { name: 'bad:name' }, 409, 'USER_INVALID'],
    ['POST', '/v1/users', { name: 'ALICE' }, 409, 'USER_EXISTS'],
    ['POST', '/v1/users', { name: 'bob', address: '192.0.2.1' }, 409, 'USER_INVALID'],
    ['POST', '/v1/users', { name: 'bob', address: 'x' }, 400, 'INVALID_REQUEST'],
    ['POST', '/v1/users', { password: 'x' }, 400, 'INVALID_REQUEST'],
    ['PATCH', '/v1/users/alice', {}, 400, 'INVALID_REQUEST'],
    ['PATCH', '/v1/users/alice', { expired: null }, 400, 'INVALID_REQUEST'],
    ['POST', '/v1/users', { name: ['dave'] }, 400, 'INVALID_REQUEST'],
    ['POST', '/v1/users', { name: 'dave', password: 12345678 }, 400, 'INVALID_REQUEST'],
    ['PATCH', '/v1/users/nobody', { expired: true }, 404, 'USER_UNKNOWN'],
    ['PUT', '/v1/users/nobody/password', {}, 404, 'USER_UNKNOWN'],
    ['DELETE', '/v1/users/nobody', undefined, 404, 'USER_UNKNOWN'],
  ] as const)('%s %s %j is refused', async (method, path, body, status, cause) => {
    await ask('POST', '/v1/users', { name: 'alice', password: 'wonderland' });
    await expect(ask(method, path, body)).rejects.toMatchObject({ status, cause });
  });

  it('are not changed here where plug-ins alone know them', async () => {
    await rig.stop();
    await start({ PPTP_USERS_FROM: 'plugins', PPTP_PLUGINS: 'backend-exec' });
    for (const [method, path, body] of [
      ['GET', '/v1/users', undefined],
      ['POST', '/v1/users', { name: 'alice' }],
      ['DELETE', '/v1/users/alice', undefined],
    ] as const) {
      await expect(ask(method, path, body)).rejects.toMatchObject({ status: 409, cause: 'USERS_ELSEWHERE' });
    }
  });
});
