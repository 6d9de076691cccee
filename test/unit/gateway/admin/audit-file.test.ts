import {
  appendFileSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../../../gateway/admin/api/operations.ts';
import { AuditFile } from '../../../../gateway/admin/audit-file.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

let folder: string;
let log: MemoryLog;
let time = 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pptp-audit-'));
  log = new MemoryLog();
  time = Date.parse('2026-11-22T12:00:00.000Z');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const audit = (more: object = {}): AuditFile => new AuditFile({ folder, log, now: () => time, ...more });
const path = (): string => join(folder, 'audit.log');
const entry = (user: string, action = 'user.add'): Omit<AuditEntry, 'at'> => ({
  action,
  actor: 'root',
  role: 'admin',
  from: 'socket',
  outcome: 'done',
  target: { user },
  detail: null,
});
const users = async (file: AuditFile, limit = 100): Promise<unknown[]> =>
  (await file.read({ limit })).map(({ target }) => target['user']);

describe('the audit', () => {
  it('is a line each, for the user of the gateway alone', async () => {
    const file = audit();
    await file.note(entry('alice'));
    time += 1000;
    await file.note(entry('bob'));
    expect(readFileSync(path(), 'utf8')).toBe(
      '{"at":"2026-11-22T12:00:00.000Z","action":"user.add","actor":"root","role":"admin","from":"socket","outcome":"done","target":{"user":"alice"},"detail":null}\n' +
        '{"at":"2026-11-22T12:00:01.000Z","action":"user.add","actor":"root","role":"admin","from":"socket","outcome":"done","target":{"user":"bob"},"detail":null}\n',
    );
    expect(statSync(path()).mode & 0o777).toBe(0o600);
  });

  it.skipIf(process.geteuid?.() !== 0)('is of who has the folder, who goes on writing after an upgrade', async () => {
    chownSync(folder, 65534, 65534);
    await audit().note(entry('alice'));
    expect(statSync(path())).toMatchObject({ uid: 65534, gid: 65534 });
  });

  it.skipIf(process.geteuid?.() !== 0)('is not written where a link of who has the folder leads', async () => {
    chownSync(folder, 65534, 65534);
    symlinkSync(join(folder, 'elsewhere'), path());
    const file = audit();
    await file.note(entry('alice'));
    expect(readdirSync(folder)).toEqual(['audit.log']);
    expect([file.failures, log.events('error')]).toEqual([1, ['audit.lost']]);
  });

  it('is read newest first, as far as is asked for', async () => {
    const file = audit();
    for (let at = 0; at < 2000; at += 1) await file.note(entry(`user${at}`, at % 2 === 0 ? 'even' : 'odd'));
    expect(await users(file, 3)).toEqual(['user1999', 'user1998', 'user1997']);
    const odd = await file.read({ limit: 2, action: 'odd' });
    expect(odd.map(({ target }) => target['user'])).toEqual(['user1999', 'user1997']);
    expect(await users(file, 10_000)).toHaveLength(2000);
    expect(await users(audit(), 1)).toEqual(['user1999']);
  });

  it('is empty where nothing was changed', async () => {
    expect(await audit().read({ limit: 10 })).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('keeps the order of many at once', async () => {
    const file = audit();
    await Promise.all(Array.from({ length: 50 }, (_, at) => file.note(entry(String(at)))));
    expect(await users(file)).toEqual(Array.from({ length: 50 }, (_, at) => String(49 - at)));
  });

  it('survives a line that a crash has cut off, and lines that are none', async () => {
    await audit().note(entry('alice'));
    appendFileSync(path(), '[]\nnull\n{"at":1}\n\n{"at":"2026-11-22T12:00:00.000Z","action":"us');
    const file = audit();
    expect(await users(file)).toEqual(['alice']);
    await file.note(entry('bob'));
    expect(await users(file)).toEqual(['bob', 'alice']);
  });

  it('puts a long file aside, and the one before it away', async () => {
    const file = audit({ mostOctets: 1000 });
    for (let at = 0; at < 40; at += 1) await file.note(entry(String(at)));
    expect(readdirSync(folder).toSorted()).toEqual(['audit.log', 'audit.log.1']);
    expect(statSync(path()).size).toBeLessThanOrEqual(1000);
    expect(statSync(`${path()}.1`).size).toBeLessThanOrEqual(1000);
    const kept = await users(file);
    expect(kept.slice(0, 8)).toEqual(['39', '38', '37', '36', '35', '34', '33', '32']);
    expect(kept.length).toBeLessThan(20);
  });

  it('that cannot be written stops nobody, and is said once in a while', async () => {
    rmSync(folder, { recursive: true });
    const file = audit();
    for (let at = 0; at < 3; at += 1) await file.note(entry('alice'));
    expect(log.events('error')).toEqual(['audit.lost']);
    time += 60_000;
    await file.note(entry('alice'));
    expect(log.events('error')).toEqual(['audit.lost', 'audit.lost']);
    expect(file.failures).toBe(4);
    expect(await file.read({ limit: 1 })).toEqual([]);
  });

  it('reads lines across the parts in which a file is read', async () => {
    const long = 'ä'.repeat(50_000);
    writeFileSync(path(), '');
    const file = audit();
    for (const name of ['first', long, 'last']) await file.note(entry(name));
    expect(await users(file)).toEqual(['last', long, 'first']);
  });
});
