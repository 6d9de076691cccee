import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import { addUser, expirePassword, UserFileAuthenticator } from '../../../../plugins/backend-user-file/index.ts';

let folder = '';
let path = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pptp-users-'));
  path = join(folder, 'users.json');
  await addUser(path, { name: 'alice', password: 'x1', address: ipv4(0x0a4d0105) });
  await addUser(path, { name: 'bob', password: 'x2', disabled: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const ask = (userName: string) =>
  new UserFileAuthenticator(path).verify(
    'certificate',
    { userName, subject: `CN=${userName}`, fingerprint: 'ab' },
    new AbortController().signal,
  );

test('a certificate lets in who is in the file, with the address that is there', async () => {
  const profile = { address: ipv4(0x0a4d0105) };
  expect(await ask('ALICE')).toEqual({ ok: true, identity: 'alice', profile, grant: {} });
  expect(await ask('carol')).toEqual({ ok: false, denial: 'unknown-user' });
  expect(await ask('')).toEqual({ ok: false, denial: 'unknown-user' });
});

test('a disabled user stays out; a password that must be changed is nothing to a certificate', async () => {
  expect(await ask('bob')).toEqual({ ok: false, denial: 'locked' });
  await expirePassword(path, 'alice');
  expect(await ask('alice')).toMatchObject({ ok: true });
});
