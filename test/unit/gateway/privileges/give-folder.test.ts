import { execFileSync } from 'node:child_process';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { giveFile, giveFolder } from '../../../../gateway/privileges/give-folder.ts';

const USER = { uid: 4711, gid: 4712 };

// Only root gives files away.
describe.skipIf(process.geteuid?.() !== 0)('a folder that is given away', () => {
  let outside = '';
  let folder = '';
  beforeEach(() => {
    outside = mkdtempSync(join(tmpdir(), 'pptp-give-'));
    folder = join(outside, 'state');
    mkdirSync(join(folder, 'worker-0'), { recursive: true });
    writeFileSync(join(folder, 'users.json'), '{}', { mode: 0o600 });
    writeFileSync(join(folder, 'worker-0', 'network.json'), '{}', { mode: 0o600 });
    writeFileSync(join(outside, 'secret'), 'of root', { mode: 0o600 });
  });
  afterEach(() => rmSync(outside, { recursive: true, force: true }));

  const ownerOf = (path: string): readonly number[] => [lstatSync(path).uid, lstatSync(path).gid];
  const theirs = [USER.uid, USER.gid];

  it('goes with all that is in it', () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    giveFolder(USER, folder);
    for (const name of ['', 'worker-0', 'worker-0/network.json', 'users.json', 'pipe']) {
      expect(ownerOf(join(folder, name))).toEqual(theirs);
    }
    expect(statSync(join(folder, 'users.json')).mode & 0o777).toBe(0o600);
    // Again, as at each start.
    giveFolder(USER, folder);
  });

  it('goes where a link has its name', () => {
    symlinkSync(folder, join(outside, 'name'));
    giveFolder(USER, join(outside, 'name'));
    expect(ownerOf(join(folder, 'users.json'))).toEqual(theirs);
    expect(ownerOf(folder)).toEqual(theirs);
  });

  it('goes without what it only leads to', () => {
    symlinkSync(join(outside, 'secret'), join(folder, 'audit.log'));
    symlinkSync(outside, join(folder, 'worker-1'));
    linkSync(join(outside, 'secret'), join(folder, 'admin-token'));
    giveFolder(USER, folder);
    expect(ownerOf(join(folder, 'audit.log'))).toEqual(theirs);
    expect([ownerOf(outside), ownerOf(join(outside, 'secret'))]).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  it("that is not there is nobody's, nor is such a file", () => {
    giveFolder(USER, join(outside, 'none'));
    giveFile(USER, join(outside, 'none'));
    expect(readdirSync(outside).sort()).toEqual(['secret', 'state']);
  });

  it('says what cannot be given', () => {
    expect(() => giveFile(USER, '/proc/sys/kernel/ostype')).toThrow(
      /ostype cannot be given to the user of PPTP_RUN_AS/,
    );
  });
});
