import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asciiText } from '../../../../core/bytes/ascii.ts';
import { ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import { msChapV2MasterKeys } from '../../../../core/crypto/mppe-keys.ts';
import { generateNtResponse, ntPasswordHash } from '../../../../core/crypto/ms-chap-v2.ts';
import type { BackEndAnswer } from '../../../../core/ports/auth.ts';
import { type Log, silentLog } from '../../../../core/ports/log.ts';
import {
  addUser,
  removeUser,
  setPassword,
  UserFileAuthenticator,
} from '../../../../plugins/backend-user-file/index.ts';
import { RFC_EXCHANGE } from '../../../support/rfc-exchange.ts';

const SIGNAL = new AbortController().signal;
let folder = '';
let path = '';
let lines: string[] = [];
let backend: UserFileAuthenticator;

const log: Log = {
  ...silentLog,
  info: (event) => lines.push(event),
  error: (event, message) => lines.push(`${event} ${message}`),
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pptp-users-'));
  path = join(folder, 'users.json');
  lines = [];
  backend = new UserFileAuthenticator(path, log);
  await addUser(path, { name: 'User', password: 'clientPass', address: ipv4(0x0a4d0105) });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Asks as a peer that types this name and password. */
const ask = (userName: string, password: string): Promise<BackEndAnswer<'ms-chap-v2'>> => {
  const exchange = { ...RFC_EXCHANGE, userName };
  const ntResponse = generateNtResponse(exchange, ntPasswordHash(password));
  return backend.verify('ms-chap-v2', { ...exchange, ntResponse }, SIGNAL);
};
const outcome = async (userName: string, password: string): Promise<string> => {
  const verdict = await ask(userName, password);
  return verdict.ok ? verdict.identity : verdict.denial;
};

test('RFC 2759 section 9.2: the response is accepted and answered', async () => {
  await backend.load();
  expect(backend.supports('ms-chap-v2')).toBe(true);
  const hash = ntPasswordHash('clientPass');
  expect(await backend.verify('ms-chap-v2', RFC_EXCHANGE, SIGNAL)).toEqual({
    ok: true,
    identity: 'User',
    profile: { address: ipv4(0x0a4d0105) },
    grant: {
      authenticatorResponse: RFC_EXCHANGE.authenticatorResponse,
      keys: msChapV2MasterKeys(hash, RFC_EXCHANGE.ntResponse, 'authenticator'),
    },
  });
});

describe('who gets in', () => {
  test('domain and case of the name do not matter, the password does', async () => {
    expect(await outcome('User', 'clientPass')).toBe('User');
    expect(await outcome('CORP\\uSER', 'clientPass')).toBe('User');
    expect(await outcome('User', 'clientpass')).toBe('bad-credentials');
    expect(await outcome('nobody', 'clientPass')).toBe('unknown-user');
    expect(await outcome('', '')).toBe('unknown-user');
    expect(await outcome('__proto__', 'clientPass')).toBe('unknown-user');
  });

  test('names beyond ASCII arrive as UTF-8 octets', async () => {
    await addUser(path, { name: 'Jürgen', password: 'x' });
    const wire = (name: string): string => asciiText(new TextEncoder().encode(name));
    expect(await outcome(wire('Jürgen'), 'x')).toBe('Jürgen');
    expect(await outcome(wire('JÜRGEN'), 'x')).toBe('Jürgen');
    expect(await outcome('J\xffrgen', 'x')).toBe('unknown-user');
  });

  test('a disabled user is told so only with the right password', async () => {
    await addUser(path, { name: 'gone', password: 'x', disabled: true });
    expect(await outcome('gone', 'x')).toBe('locked');
    expect(await outcome('gone', 'y')).toBe('bad-credentials');
  });
});

describe('a file that changes', () => {
  test('edits take effect at the next answer', async () => {
    await backend.load();
    await addUser(path, { name: 'new', password: 'x' });
    expect(await outcome('new', 'x')).toBe('new');
    expect([...backend.reservedAddresses()]).toEqual([ipv4(0x0a4d0105)]);
    await setPassword(path, 'new', 'y');
    expect(await outcome('new', 'x')).toBe('bad-credentials');
    expect(await outcome('new', 'y')).toBe('new');
    await removeUser(path, 'new');
    expect(await outcome('new', 'y')).toBe('unknown-user');
    expect(lines).toEqual(['users.reloaded', 'users.reloaded', 'users.reloaded']);
  });

  test('a bad file keeps the users known so far, says so once, and a good one is taken again', async () => {
    await backend.load();
    await writeFile(path, '{ oops');
    expect(await outcome('User', 'clientPass')).toBe('User');
    expect(await outcome('User', 'clientPass')).toBe('User');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^users\.reload-failed .*not valid JSON.*known so far stay in force/);
    await rm(path);
    expect(await outcome('User', 'clientPass')).toBe('User');
    expect(await outcome('User', 'clientPass')).toBe('User');
    expect(lines).toHaveLength(2);
    await addUser(path, { name: 'other', password: 'x' });
    expect(await outcome('User', 'clientPass')).toBe('unknown-user');
    expect(await outcome('other', 'x')).toBe('other');
  });

  test('a file opened to others is not read again until it is closed', async () => {
    await backend.load();
    await chmod(path, 0o644);
    expect(await outcome('User', 'clientPass')).toBe('User');
    expect(lines[0]).toContain(`chmod 600 ${path}`);
    await chmod(path, 0o600);
    expect(await outcome('User', 'clientPass')).toBe('User');
    expect(lines.at(-1)).toBe('users.reloaded');
  });

  test('with no file at all load and verify fail: the back-end is out of order', async () => {
    await rm(path);
    await expect(backend.load()).rejects.toMatchObject({ code: 'USERS_FILE' });
    await expect(ask('User', 'clientPass')).rejects.toMatchObject({ code: 'USERS_FILE' });
    await addUser(path, { name: 'late', password: 'x' });
    expect(await outcome('late', 'x')).toBe('late');
  });

  test('many answers at once read a changed file once', async () => {
    await backend.load();
    await addUser(path, { name: 'new', password: 'x' });
    const all = await Promise.all(Array.from({ length: 20 }, () => outcome('new', 'x')));
    expect(new Set(all)).toEqual(new Set(['new']));
    expect(lines).toEqual(['users.reloaded']);
  });

  test('where very many ask, they share looks, and an edit is in force a tenth of a second later', async () => {
    let now = 5000;
    const busy = new UserFileAuthenticator(path, silentLog, () => now);
    await busy.load();
    const signal = new AbortController().signal;
    const known = async (name: string): Promise<boolean> =>
      (await busy.verify('certificate', { userName: name, subject: name, fingerprint: '' }, signal)).ok;
    const looked: boolean[] = [];
    for (let edit = 0; edit < 12; edit += 1) {
      await addUser(path, { name: `new-${edit}`, password: 'x' });
      looked.push(await known(`new-${edit}`));
    }
    expect(looked).toEqual([...new Array(10).fill(true), false, false]);
    now += 99;
    expect(await known('new-11')).toBe(false);
    now += 1;
    expect(await known('new-11')).toBe(true);
  });
});
