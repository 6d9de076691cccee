import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { AccessTokens, tokensOf } from '../../../../gateway/admin/access-tokens.ts';
import { adminAccess } from '../../../../gateway/admin/admin-url.ts';
import { plainAddress, sourceOf } from '../../../../gateway/admin/tcp-source.ts';
import { ensureTokenFile, removeTokenFile, tokenFilePath } from '../../../../gateway/admin/token-file.ts';
import { WrongTokens } from '../../../../gateway/admin/wrong-tokens.ts';

const SETTINGS = {
  address: '127.0.0.1',
  port: 8723,
  token: '',
  operateToken: '',
  readToken: '',
  tlsCert: 'none',
  tlsKey: 'none',
  traceLink: '',
};

describe('tokens', () => {
  it('have a role each, and nothing else has one', () => {
    const tokens = new AccessTokens({ admin: 'a'.repeat(16), operate: 'b'.repeat(16), read: '' });
    expect(tokens.roleOf('a'.repeat(16))).toBe('admin');
    expect(tokens.roleOf('b'.repeat(16))).toBe('operate');
    for (const wrong of ['', 'a', 'a'.repeat(15), 'a'.repeat(17), 'A'.repeat(16)]) {
      expect(tokens.roleOf(wrong)).toBeUndefined();
    }
  });

  it('are not in the object that knows them', () => {
    expect(JSON.stringify(new AccessTokens({ admin: 'x'.repeat(20), operate: '', read: '' }))).not.toContain('xxx');
  });

  it('made for the state folder count only where the configuration has none at all', () => {
    expect(tokensOf(SETTINGS, 'made-in-the-folder').roleOf('made-in-the-folder')).toBe('admin');
    const reader = { ...SETTINGS, readToken: 'somebody-who-looks' };
    expect(tokensOf(reader, 'made-in-the-folder').roleOf('made-in-the-folder')).toBeUndefined();
    expect(tokensOf(reader, undefined).roleOf('somebody-who-looks')).toBe('read');
  });
});

describe('the token file', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pptp-token-'));
    path = tokenFilePath(`${folder}/`);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is made once, and for one user alone', async () => {
    const made = await ensureTokenFile(path);
    expect(made).toMatchObject({ isNew: true, token: expect.stringMatching(/^[\w-]{32}$/) });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toBe(`${made.token}\n`);
    expect(await ensureTokenFile(path)).toEqual({ isNew: false, token: made.token });
    await removeTokenFile(path);
    await removeTokenFile(path);
    expect((await ensureTokenFile(path)).token).not.toBe(made.token);
  });

  it('may hold a token of the operator', async () => {
    writeFileSync(path, 'chosen-by-the-operator\n', { mode: 0o600 });
    expect((await ensureTokenFile(path)).token).toBe('chosen-by-the-operator');
  });

  it('without anything in it is written anew', async () => {
    writeFileSync(path, '', { mode: 0o600 });
    expect(await ensureTokenFile(path)).toMatchObject({ isNew: true });
  });

  it.each([
    ['a short one', 'short\n', 0o600, /holds no token/],
    ['one that others may read', 'chosen-by-the-operator\n', 0o644, /no secret/],
  ])('is refused with %s, which is not repeated', async (_what, text, mode, message) => {
    writeFileSync(path, text);
    chmodSync(path, mode);
    const refused = ensureTokenFile(path);
    await expect(refused).rejects.toMatchObject({ code: 'ADMIN_TOKEN', message: expect.stringMatching(message) });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining(text.trim()) });
  });

  it.each([
    ['a folder', () => mkdirSync(path, { mode: 0o700 })],
    ['a pipe', () => execFileSync('mkfifo', ['-m', '600', path])],
  ])('is refused where there is %s', async (_what, put) => {
    put();
    await expect(ensureTokenFile(path)).rejects.toMatchObject({
      code: 'ADMIN_TOKEN',
      message: expect.stringContaining('is no file'),
    });
  });

  // Only root can give a file away.
  it.runIf(process.geteuid?.() === 0)('is refused where another user has put it', async () => {
    writeFileSync(path, 'chosen-by-somebody-else\n', { mode: 0o600 });
    chownSync(path, 65_534, 65_534);
    await expect(ensureTokenFile(path)).rejects.toMatchObject({
      code: 'ADMIN_TOKEN',
      message: expect.stringContaining('another user'),
    });
    // Who may put any file there is not kept out by this.
    chownSync(folder, 65_534, 65_534);
    expect(await ensureTokenFile(path)).toMatchObject({ isNew: false });
  });

  it('in a folder that is not there says what to do', async () => {
    await expect(ensureTokenFile(join(folder, 'none', 'admin-token'))).rejects.toMatchObject({
      code: 'ADMIN_TOKEN',
      message: expect.stringContaining('PPTP_ADMIN_TOKEN'),
    });
  });
});

describe('wrong tokens', () => {
  it('are looked at ten at once, then one every six seconds', () => {
    let now = 0;
    const wrong = new WrongTokens(() => now);
    for (let at = 0; at < 10; at += 1) {
      expect(wrong.waitOf('192.0.2.1')).toBe(0);
      wrong.note('192.0.2.1');
    }
    expect(wrong.waitOf('192.0.2.1')).toBe(6);
    expect(wrong.waitOf('192.0.2.2')).toBe(0);
    now += 5999;
    expect(wrong.waitOf('192.0.2.1')).toBe(1);
    now += 1;
    expect(wrong.waitOf('192.0.2.1')).toBe(0);
    wrong.note('192.0.2.1');
    expect(wrong.waitOf('192.0.2.1')).toBe(6);
  });

  it('of any number of sources take no more memory than of 1024', () => {
    const wrong = new WrongTokens(() => 0);
    for (let at = 0; at < 5000; at += 1) wrong.note(String(at));
    expect(wrong.size).toBe(1024);
  });
});

describe('a source', () => {
  it('is an IPv4 address, or the network of an IPv6 host', () => {
    expect(plainAddress('::ffff:192.0.2.7')).toBe('192.0.2.7');
    expect(plainAddress(undefined)).toBe('unknown');
    expect(sourceOf('192.0.2.7')).toBe('192.0.2.7');
    expect(sourceOf('2001:db8::1')).toBe(sourceOf('2001:db8::ffff:2'));
    expect(sourceOf('2001:db8::1')).not.toBe(sourceOf('2001:db8:0:1::1'));
    expect(sourceOf('fe80::1%eth0')).toBe(sourceOf('fe80::2'));
  });
});

test('the operator is told where the dashboard is, and where its token', () => {
  expect(adminAccess({ ...SETTINGS, port: 0 }, '/srv')).toBeUndefined();
  expect(adminAccess(SETTINGS, '/srv')).toEqual({ url: 'http://127.0.0.1:8723/', tokenFile: '/srv/admin-token' });
  expect(adminAccess({ ...SETTINGS, address: '::', token: 'x'.repeat(16), tlsCert: '/c.pem' }, '/srv')).toEqual({
    url: 'https://[::1]:8723/',
    tokenFile: undefined,
  });
});
