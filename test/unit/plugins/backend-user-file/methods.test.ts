import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chapMd5Response } from '../../../../core/crypto/chap-md5.ts';
import { msChapV1MasterKeys, msChapV2MasterKeys } from '../../../../core/crypto/mppe-keys.ts';
import { challengeResponse, generateNtResponse, ntPasswordHash } from '../../../../core/crypto/ms-chap-v2.ts';
import { sealPasswordChange } from '../../../../core/crypto/nt-password-change.ts';
import type { AuthKind, AuthKinds, BackEndAnswer } from '../../../../core/ports/auth.ts';
import { type Log, silentLog } from '../../../../core/ports/log.ts';
import {
  addUser,
  expirePassword,
  listUsers,
  readUsers,
  setPassword,
  UserFileAuthenticator,
} from '../../../../plugins/backend-user-file/index.ts';
import { changeOwnPassword } from '../../../../plugins/backend-user-file/users.ts';
import { RFC_EXCHANGE } from '../../../support/rfc-exchange.ts';

const SIGNAL = new AbortController().signal;
const CHALLENGE = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const FILL = new Uint8Array(516).fill(0x5a);
let folder = '';
let path = '';
let lines: string[] = [];
let backend: UserFileAuthenticator;

const record = (event: string, message: string, fields?: unknown): void => {
  lines.push(`${event} ${message} ${JSON.stringify(fields)}`);
};
const log: Log = { ...silentLog, info: record, warn: record, error: record };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pptp-users-'));
  path = join(folder, 'users.json');
  lines = [];
  backend = new UserFileAuthenticator(path, log);
  await addUser(path, { name: 'vpnuser', password: 'clientPass' });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const ask = <K extends AuthKind>(kind: K, request: AuthKinds[K]['request']): Promise<BackEndAnswer<K>> =>
  backend.verify(kind, request, SIGNAL);
const said = (verdict: BackEndAnswer): string => (verdict.ok ? verdict.identity : verdict.denial);

const octets = (text: string): Uint8Array => new TextEncoder().encode(text);
const pap = async (userName: string, password: Uint8Array | string): Promise<string> =>
  said(await ask('pap', { userName, password: typeof password === 'string' ? octets(password) : password }));
const md5 = async (userName: string, password: string): Promise<string> => {
  const response = chapMd5Response(7, octets(password), CHALLENGE);
  return said(await ask('chap-md5', { userName, identifier: 7, challenge: CHALLENGE, response }));
};
const v1 = (userName: string, password: string): Promise<BackEndAnswer<'ms-chap-v1'>> =>
  ask('ms-chap-v1', {
    userName,
    challenge: CHALLENGE,
    ntResponse: challengeResponse(CHALLENGE, ntPasswordHash(password)),
  });
const v2 = (userName: string, password: string): Promise<BackEndAnswer<'ms-chap-v2'>> => {
  const exchange = { ...RFC_EXCHANGE, userName };
  return ask('ms-chap-v2', { ...exchange, ntResponse: generateNtResponse(exchange, ntPasswordHash(password)) });
};
const changeV2 = (old: string, fresh: string, userName = 'vpnuser'): Promise<BackEndAnswer<'ms-chap-v2-change'>> => {
  const exchange = { ...RFC_EXCHANGE, userName };
  const ntResponse = generateNtResponse(exchange, ntPasswordHash(fresh));
  return ask('ms-chap-v2-change', { ...exchange, ntResponse, ...sealPasswordChange(fresh, ntPasswordHash(old), FILL) });
};

test('every password method, and its change', () => {
  const kinds = ['pap', 'chap-md5', 'ms-chap-v1', 'ms-chap-v1-change', 'ms-chap-v2', 'ms-chap-v2-change'] as const;
  expect(kinds.every((kind) => backend.supports(kind))).toBe(true);
});

describe('pap', () => {
  test('the right password, a wrong one, nobody', async () => {
    expect(await pap('CORP\\VPNuser', 'clientPass')).toBe('vpnuser');
    expect(await pap('vpnuser', 'clientpass')).toBe('bad-credentials');
    expect(await pap('vpnuser', '')).toBe('bad-credentials');
    expect(await pap('nobody', 'clientPass')).toBe('unknown-user');
  });

  test('passwords beyond ASCII come in UTF-8 or ISO 8859-1', async () => {
    await addUser(path, { name: 'u', password: 'schön' });
    expect(await pap('u', 'schön')).toBe('u');
    expect(await pap('u', Uint8Array.of(0x73, 0x63, 0x68, 0xf6, 0x6e))).toBe('u');
  });
});

describe('chap-md5', () => {
  test('a stored password opens, a wrong one does not', async () => {
    await addUser(path, { name: 'old', password: 'clientPass', storePassword: true });
    expect(await md5('old', 'clientPass')).toBe('old');
    expect(await md5('old', 'x')).toBe('bad-credentials');
    expect(await md5('nobody', 'clientPass')).toBe('unknown-user');
    expect(lines).toEqual([]);
  });

  test('without a stored password: denied, and the log says why without the password', async () => {
    expect(await md5('vpnuser', 'clientPass')).toBe('bad-credentials');
    expect(lines).toEqual([expect.stringMatching(/^auth\.no-stored-password .*--store-password.*"user":"vpnuser"/)]);
    expect(lines.join()).not.toContain('clientPass');
  });

  test('passwd --store-password stores it, and from then on each new one', async () => {
    await setPassword(path, 'vpnuser', 'second', { storePassword: true });
    expect(await md5('vpnuser', 'second')).toBe('vpnuser');
    await setPassword(path, 'vpnuser', 'third');
    expect(await md5('vpnuser', 'third')).toBe('vpnuser');
    expect(await listUsers(path)).toEqual([{ name: 'vpnuser', disabled: false, storesPassword: true }]);
  });
});

test('ms-chap-v1: keys from the NT hash and the challenge, for 128 bits only', async () => {
  const keys = msChapV1MasterKeys(ntPasswordHash('clientPass'), CHALLENGE);
  expect(await v1('vpnuser', 'clientPass')).toEqual({ ok: true, identity: 'vpnuser', profile: {}, grant: { keys } });
  expect(keys.strengths).toEqual([128]);
  expect(keys.send).toEqual(keys.receive);
  expect(said(await v1('vpnuser', 'x'))).toBe('bad-credentials');
  expect(said(await v1('nobody', 'clientPass'))).toBe('unknown-user');
});

describe('an expired password', () => {
  beforeEach(() => expirePassword(path, 'VPNUSER'));

  test('is told to those who know it, whatever the method', async () => {
    await addUser(path, { name: 'old', password: 'p', storePassword: true, mustChange: true });
    expect([await pap('vpnuser', 'clientPass'), await md5('old', 'p')]).toEqual(['expired', 'expired']);
    expect([said(await v1('vpnuser', 'clientPass')), said(await v2('vpnuser', 'clientPass'))]).toEqual([
      'expired',
      'expired',
    ]);
    expect(said(await v2('vpnuser', 'x'))).toBe('bad-credentials');
    expect((await listUsers(path)).every((user) => user.mustChange)).toBe(true);
  });

  test('MS-CHAPv2: changed, keys from the new one, and the file holds it', async () => {
    const verdict = await changeV2('clientPass', 'newPass');
    const exchange = { ...RFC_EXCHANGE, userName: 'vpnuser' };
    const hash = ntPasswordHash('newPass');
    const keys = msChapV2MasterKeys(hash, generateNtResponse(exchange, hash), 'authenticator');
    expect(verdict).toMatchObject({ ok: true, identity: 'vpnuser', grant: { keys } });
    expect(await readUsers(path)).toEqual([{ name: 'vpnuser', ntHash: hash, disabled: false }]);
    expect([said(await v2('vpnuser', 'newPass')), said(await v2('vpnuser', 'clientPass'))]).toEqual([
      'vpnuser',
      'bad-credentials',
    ]);
    expect(lines.some((line) => line.startsWith('users.password-changed'))).toBe(true);
    expect(lines.join()).not.toContain('newPass');
  });

  test('outlives a restart of the gateway, and so does that it is changed', async () => {
    await changeV2('clientPass', 'newPass');
    backend = new UserFileAuthenticator(path, log);
    const answer = async (password: string) => said(await v2('vpnuser', password));
    expect([await answer('newPass'), await answer('clientPass')]).toEqual(['vpnuser', 'bad-credentials']);
    expect(said(await changeV2('newPass', 'third'))).toBe('change-refused');
  });

  test('a file that cannot be written: refused, told in the log, and the old one goes on to be expired', async () => {
    // The lock beside it would have a name that is too long.
    const unlockable = join(folder, 'u'.repeat(255));
    await rename(path, unlockable);
    backend = new UserFileAuthenticator(unlockable, log);
    expect(said(await changeV2('clientPass', 'newPass'))).toBe('change-refused');
    const told = lines.filter((line) => line.startsWith('users.password-unwritten'));
    expect(told).toEqual([expect.stringMatching(/old one stays in force\. The lock .* cannot be made.*"vpnuser"/)]);
    expect(told.join()).not.toContain('newPass');
    expect(said(await v2('vpnuser', 'clientPass'))).toBe('expired');
  });

  test('MS-CHAPv1: the same', async () => {
    const hash = ntPasswordHash('newPass');
    const verdict = await ask('ms-chap-v1-change', {
      userName: 'vpnuser',
      challenge: CHALLENGE,
      ntResponse: challengeResponse(CHALLENGE, hash),
      ...sealPasswordChange('newPass', ntPasswordHash('clientPass'), FILL),
    });
    expect(verdict).toMatchObject({ ok: true, grant: { keys: msChapV1MasterKeys(hash, CHALLENGE) } });
    expect(said(await v1('vpnuser', 'newPass'))).toBe('vpnuser');
  });

  test('a stored password is replaced too', async () => {
    await addUser(path, { name: 'old', password: 'p', storePassword: true, mustChange: true });
    expect(said(await changeV2('p', 'q', 'old'))).toBe('old');
    expect(await md5('old', 'q')).toBe('old');
  });

  test.each([
    ['a wrong old one', 'guess', 'newPass', 'bad-credentials'],
    ['an empty new one', 'clientPass', '', 'change-refused'],
    ['a control character', 'clientPass', 'a\nb', 'change-refused'],
    ['the same again', 'clientPass', 'clientPass', 'change-refused'],
  ])('%s: refused, and nothing is written', async (_what, old, fresh, denial) => {
    const before = await readFile(path, 'utf8');
    expect(said(await changeV2(old, fresh))).toBe(denial);
    expect(await readFile(path, 'utf8')).toBe(before);
  });

  test('a change that does not prove the new password is refused', async () => {
    const request = { ...RFC_EXCHANGE, userName: 'vpnuser' };
    const sealed = sealPasswordChange('newPass', ntPasswordHash('clientPass'), FILL);
    expect(said(await ask('ms-chap-v2-change', { ...request, ...sealed }))).toBe('bad-credentials');
  });

  test('only one of two changes at once is taken', async () => {
    const outcomes = await Promise.all([changeV2('clientPass', 'one'), changeV2('clientPass', 'two')]);
    expect(outcomes.map(said).sort()).toEqual(['change-refused', 'vpnuser']);
  });

  test('a change is not taken when the operator set another password meanwhile', async () => {
    const [seen] = await readUsers(path);
    if (seen === undefined) throw new Error('no user');
    await setPassword(path, 'vpnuser', 'by the operator');
    await expirePassword(path, 'vpnuser');
    const before = await readFile(path, 'utf8');
    expect(await changeOwnPassword(path, seen, 'newPass')).toBe(false);
    expect(await readFile(path, 'utf8')).toBe(before);
  });

  test('a disabled user may not change it', async () => {
    await addUser(path, { name: 'gone', password: 'p', disabled: true, mustChange: true });
    expect(said(await changeV2('p', 'q', 'gone'))).toBe('locked');
  });

  test('a new password from the operator has not expired', async () => {
    await setPassword(path, 'vpnuser', 'fresh');
    expect(said(await v2('vpnuser', 'fresh'))).toBe('vpnuser');
  });
});

test('nobody changes a password that has not expired', async () => {
  expect(said(await changeV2('clientPass', 'newPass'))).toBe('change-refused');
  expect(said(await changeV2('clientPass', 'newPass', 'nobody'))).toBe('unknown-user');
});

test('a file whose password and hash differ is refused by name of the field', async () => {
  await addUser(path, { name: 'old', password: 'p', storePassword: true });
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace('"password": "p"', '"password": "q"'));
  await expect(readUsers(path)).rejects.toMatchObject({
    code: 'USERS_FILE',
    message: expect.stringContaining('"ntHash"'),
  });
});
