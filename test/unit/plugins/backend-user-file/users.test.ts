import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toHex } from '../../../../core/bytes/hex.ts';
import { ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import { GatewayError } from '../../../../core/errors.ts';
import { addUser, listUsers, readUsers, removeUser, setPassword } from '../../../../plugins/backend-user-file/index.ts';

const ADDRESS = ipv4(0x0a4d0105);
let folder = '';
let path = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pptp-users-'));
  path = join(folder, 'users.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const failing = async (promise: Promise<unknown>): Promise<GatewayError> => {
  const cause = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(cause instanceof GatewayError)) throw new Error(`no GatewayError but ${String(cause)}`);
  return cause;
};
/** A process id that was in use a moment ago. */
const deadProcess = (): number => spawnSync(process.execPath, ['--version']).pid;

describe('the file', () => {
  test('is made with the first user, for the owner only, with hashes in place of passwords', async () => {
    const deep = join(folder, 'etc', 'users.json');
    await addUser(deep, { name: 'User', password: 'clientPass', address: ADDRESS, comment: 'sample' });
    expect((await stat(deep)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'etc'))).mode & 0o777).toBe(0o700);
    expect(JSON.parse(await readFile(deep, 'utf8'))).toEqual({
      version: 1,
      users: [{ name: 'User', ntHash: '44ebba8d5312b8d611474411f56989ae', address: '10.77.1.5', comment: 'sample' }],
    });
    expect(await readdir(join(folder, 'etc'))).toEqual(['users.json']);
  });

  test('missing: says how to make it', async () => {
    const attempts = [
      () => readUsers(path),
      () => listUsers(path),
      () => removeUser(path, 'a'),
      () => setPassword(path, 'a', 'b'),
    ];
    for (const attempt of attempts) {
      const error = await failing(attempt());
      expect(error.code).toBe('USERS_FILE');
      expect(error.message).toContain('pptp-gateway users add');
    }
    expect(await readdir(folder)).toEqual([]);
  });

  test.each([0o640, 0o604, 0o620, 0o602, 0o644])('mode %i is refused with the command that mends it', async (mode) => {
    await addUser(path, { name: 'a', password: 'b' });
    await chmod(path, mode);
    const error = await failing(readUsers(path));
    expect(error.code).toBe('USERS_FILE');
    expect(error.message).toContain(`chmod 600 ${path}`);
    expect((await failing(addUser(path, { name: 'c', password: 'd' }))).code).toBe('USERS_FILE');
  });

  test.each([
    ['{', 'not valid JSON'],
    ['[]', 'version'],
    ['{"version":2,"users":[]}', 'version'],
    ['{"version":1}', 'users'],
    ['{"version":1,"users":[1]}', 'entry 1'],
    ['{"version":1,"users":[{"ntHash":"00"}]}', 'name'],
    ['{"version":1,"users":[{"name":"a","ntHash":"5ec2e7"}]}', 'ntHash'],
    [`{"version":1,"users":[{"name":"a","ntHash":"${'0'.repeat(32)}","password":"x"}]}`, 'password'],
    [`{"version":1,"users":[{"name":"a","ntHash":"${'0'.repeat(32)}","address":"10.0.0.256"}]}`, 'address'],
    [`{"version":1,"users":[{"name":"a","ntHash":"${'0'.repeat(32)}","disabled":"no"}]}`, 'disabled'],
    [`{"version":1,"users":[{"name":"a:b","ntHash":"${'0'.repeat(32)}"}]}`, 'contains one of'],
    [
      `{"version":1,"users":[{"name":"a","ntHash":"${'0'.repeat(32)}"},{"name":"A","ntHash":"${'0'.repeat(32)}"}]}`,
      'twice',
    ],
    [
      `{"version":1,"users":[${['a', 'b'].map((name) => `{"name":"${name}","ntHash":"${'0'.repeat(32)}","address":"10.0.0.1"}`).join()}]}`,
      'another user',
    ],
  ])('%j is refused, and the message holds no secret', async (text, what) => {
    await writeFile(path, text, { mode: 0o600 });
    const error = await failing(readUsers(path));
    expect(error.code).toBe('USERS_FILE');
    expect(error.message).toContain(what);
    expect(error.message).not.toContain('5ec2e7');
    expect(error.message).not.toContain('0'.repeat(32));
  });

  test('a folder in its place is refused', async () => {
    await mkdir(path);
    expect((await failing(readUsers(path))).code).toBe('USERS_FILE');
  });

  test('a stricter mode and a symbolic link survive an edit', async () => {
    await addUser(path, { name: 'a', password: 'b' });
    await chmod(path, 0o400);
    const link = join(folder, 'link.json');
    await symlink(path, link);
    await addUser(link, { name: 'c', password: 'd' });
    expect((await readUsers(path)).map((user) => user.name)).toEqual(['a', 'c']);
    expect((await stat(path)).mode & 0o777).toBe(0o400);
    expect((await readdir(folder)).sort()).toEqual(['link.json', 'users.json']);
  });
});

describe('users', () => {
  test('add, list, change password, remove', async () => {
    await addUser(path, { name: 'zoe', password: 'one' });
    await addUser(path, { name: 'Alice', password: 'two', disabled: true });
    expect(await listUsers(path)).toEqual([
      { name: 'Alice', disabled: true },
      { name: 'zoe', disabled: false },
    ]);
    const before = await readUsers(path);
    await setPassword(path, 'ZOE', 'three');
    const changed = await readUsers(path);
    expect(toHex(changed[0]?.ntHash ?? new Uint8Array())).not.toBe(toHex(before[0]?.ntHash ?? new Uint8Array()));
    expect(changed[1]).toEqual(before[1]);
    await removeUser(path, 'alice');
    expect((await listUsers(path)).map((user) => user.name)).toEqual(['zoe']);
  });

  test('codes of mistakes', async () => {
    await addUser(path, { name: 'alice', password: 'x', address: ADDRESS });
    const before = await readFile(path, 'utf8');
    expect((await failing(addUser(path, { name: 'ALICE', password: 'x' }))).code).toBe('USER_EXISTS');
    expect((await failing(setPassword(path, 'bob', 'x'))).code).toBe('USER_UNKNOWN');
    expect((await failing(removeUser(path, 'bob'))).code).toBe('USER_UNKNOWN');
    expect((await failing(addUser(path, { name: 'bob', password: 'x', address: ADDRESS }))).code).toBe('USER_INVALID');
    expect((await failing(setPassword(path, 'alice', ''))).code).toBe('USER_INVALID');
    expect(await readFile(path, 'utf8')).toBe(before);
  });

  test.each(['', 'a:b', 'CORP\\a', 'a/b', 'a"b', 'a\nb', 'a\u0000', ' a', 'é'.repeat(128)])(
    'the name %j is refused',
    async (name) => {
      expect((await failing(addUser(path, { name, password: 'x' }))).code).toBe('USER_INVALID');
    },
  );

  test.each(['', 'a\nb', 'x'.repeat(257), `${'😀'.repeat(128)}x`])(
    'the password %j is refused unsaid',
    async (password) => {
      const error = await failing(addUser(path, { name: 'a', password }));
      expect(error.code).toBe('USER_INVALID');
      if (password !== '') expect(error.message).not.toContain(password);
    },
  );

  test('names and passwords at their limits, beyond ASCII', async () => {
    await addUser(path, { name: `${'é'.repeat(127)}x`, password: '😀'.repeat(128) });
    expect(await readUsers(path)).toHaveLength(1);
  });
});

describe('edits at the same time', () => {
  test('all of them take effect, one after the other', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `user${i}`);
    await Promise.all(names.map((name) => addUser(path, { name, password: name }, { lock: { waitMs: 60_000 } })));
    expect((await listUsers(path)).map((user) => user.name).sort()).toEqual([...names].sort());
    expect(await readdir(folder)).toEqual(['users.json']);
  });

  test('a lock of a live process holds, and the error names it', async () => {
    await writeFile(`${path}.lock`, `${process.ppid} 00\n`);
    const error = await failing(addUser(path, { name: 'a', password: 'b' }, { lock: { waitMs: 0 } }));
    expect(error.code).toBe('USERS_FILE');
    expect(error.message).toContain(`remove ${path}.lock`);
    expect(await readdir(folder)).toEqual(['users.json.lock']);
  });

  test('a lock of a process that is gone is removed', async () => {
    await writeFile(`${path}.lock`, `${deadProcess()} 00\n`);
    await addUser(path, { name: 'a', password: 'b' }, { lock: { waitMs: 0 } });
    expect(await readdir(folder)).toEqual(['users.json']);
  });

  test.each(['', 'not ours', `${process.ppid} 00\n`])('a lock older than any edit is removed: %j', async (content) => {
    await writeFile(`${path}.lock`, content);
    const longAgo = new Date(Date.now() - 3_600_000);
    await utimes(`${path}.lock`, longAgo, longAgo);
    await addUser(path, { name: 'a', password: 'b' }, { lock: { waitMs: 0 } });
    expect(await readdir(folder)).toEqual(['users.json']);
  });
});
