import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CliServices } from '../../../../gateway/cli/context.ts';
import { type FakeGateway, fakeGateway, runVerb } from '../../../support/fake-gateway.ts';

let gateway: FakeGateway;
let inFile: unknown[];
beforeEach(async () => {
  gateway = await fakeGateway();
  inFile = [];
  gateway.on('GET /v1/users', {
    json: { users: [{ name: 'alice', address: '10.99.0.9', expired: true, sessions: 2 }] },
  });
});
afterEach(() => gateway.stop());

const openUsers: CliServices['openUsers'] = (file) => ({
  list: async () => [],
  add: async (user) => void inFile.push([file, user]),
  setPassword: async (name) => void inFile.push([file, name]),
  expire: async (name) => void inFile.push([file, name]),
  remove: async (name) => void inFile.push([file, name]),
});
const run = (argv: string, env: Record<string, string> = {}) =>
  runVerb(
    argv.split(' '),
    { PPTP_ADMIN_SOCKET: gateway.socket, PPTP_STATE_DIR: gateway.folder, ...env },
    { readInput: async () => 'secret\n' },
    { openUsers },
  );
const changes = () =>
  gateway.asked.filter(({ method }) => method !== 'GET').map(({ method, url, body }) => [method, url, body]);

describe('users, while a gateway runs', () => {
  it('are changed by the gateway', async () => {
    gateway.on('POST /v1/users', { status: 201, json: { name: 'bob' } });
    gateway.on('PUT /v1/users/bob/password', { json: { name: 'bob' } });
    gateway.on('PATCH /v1/users/bob', { json: { name: 'bob', address: null, expired: true } });
    gateway.on('DELETE /v1/users/bob', { json: { name: 'bob', disconnected: [] } });
    expect(await run('users add bob --address 10.99.0.50 --must-change')).toMatchObject({
      code: 0,
      out: ['user bob added to the running gateway'],
    });
    for (const verb of ['passwd', 'expire', 'remove']) expect((await run(`users ${verb} bob`)).code).toBe(0);
    expect(changes()).toEqual([
      ['POST', '/v1/users', { name: 'bob', password: 'secret', address: '10.99.0.50', expired: true }],
      ['PUT', '/v1/users/bob/password', { password: 'secret' }],
      ['PATCH', '/v1/users/bob', { expired: true }],
      ['DELETE', '/v1/users/bob', undefined],
    ]);
    expect(inFile).toEqual([]);
  });

  it('are listed with their sessions', async () => {
    expect((await run('users list')).out).toEqual(['alice  10.99.0.9, password expired, 2 sessions']);
    expect(JSON.parse((await run('users list --json')).text)).toEqual({
      users: [{ name: 'alice', address: '10.99.0.9', expired: true, sessions: 2 }],
    });
  });

  it('lose their sessions with --disconnect', async () => {
    gateway.on('DELETE /v1/users/alice', { json: { name: 'alice', disconnected: [] } });
    gateway.on('POST /v1/sessions/disconnect', { json: { disconnected: ['a', 'b'] } });
    expect((await run('users remove alice --disconnect')).out).toEqual([
      'user alice removed from the running gateway',
      'ended 2 sessions of alice',
    ]);
    expect(changes().at(-1)).toEqual(['POST', '/v1/sessions/disconnect', { user: 'alice', reason: 'user removed' }]);
  });

  it('have the same errors as in the file', async () => {
    gateway.on('POST /v1/users', {
      status: 409,
      json: { code: 'USER_EXISTS', message: 'there is already a user bob.' },
    });
    expect(await run('users add bob')).toMatchObject({
      code: 1,
      err: ['pptp-gateway: USER_EXISTS: there is already a user bob.'],
    });
  });

  it('are edited in the file where the gateway would not do: another file, or a readable password', async () => {
    expect((await run('users add bob --set users.file=/srv/other.json')).out).toEqual([
      'user bob added to /srv/other.json',
    ]);
    expect((await run('users add bob --store-password')).code).toBe(0);
    expect(inFile).toHaveLength(2);
    expect(changes()).toEqual([]);
  });
});

describe('users, without a gateway', () => {
  it('are edited in the file', async () => {
    const env = { PPTP_ADMIN_SOCKET: `${gateway.folder}/none.sock` };
    expect((await run('users remove alice', env)).out).toEqual([
      `user alice removed from ${gateway.folder}/users.json`,
    ]);
    expect(await run('users remove alice --disconnect', env)).toMatchObject({ code: 3 });
    expect(inFile).toHaveLength(1);
  });
});
