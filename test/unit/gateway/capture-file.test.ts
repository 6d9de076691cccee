import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openCaptureFile } from '../../../gateway/capture-file.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pptp-capture-file-'));
  path = join(folder, 'a.pcapng');
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = async (out: Writable, text: string): Promise<void> => {
  out.end(text);
  await finished(out);
};
const mode = (): number => statSync(path).mode & 0o777;

it('makes a file for its owner alone', async () => {
  await write(await openCaptureFile(path), 'new');
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(mode()).toBe(0o600);
});

it('replaces an older file that others may read or hold open already', async () => {
  writeFileSync(path, 'an older one', { mode: 0o644 });
  const spy = await open(path, 'r');
  await write(await openCaptureFile(path), 'secret');
  expect(readFileSync(path, 'utf8')).toBe('secret');
  expect(mode()).toBe(0o600);
  expect(await spy.readFile('utf8')).toBe('an older one');
  await spy.close();
});

it('does not follow a link to a file, there or not', async () => {
  const target = join(folder, 'target');
  symlinkSync(target, path);
  await expect(openCaptureFile(path)).rejects.toThrow(/cannot be written \(ENOENT/);
  expect(existsSync(target)).toBe(false);
  writeFileSync(target, 'precious');
  await expect(openCaptureFile(path)).rejects.toThrow('is a link to a file: name the file itself with -w');
  expect(readFileSync(target, 'utf8')).toBe('precious');
});

it('writes to a device', async () => {
  await write(await openCaptureFile('/dev/null'), 'nothing');
  expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
});

it('waits until somebody reads a named pipe', async () => {
  execFileSync('mkfifo', [path]);
  const opening = openCaptureFile(path);
  const reader = (await open(path, 'r')).createReadStream({ encoding: 'utf8' });
  const out = await opening;
  out.end('through the pipe');
  const got: unknown[] = [];
  await pipeline(reader, async (chunks) => {
    for await (const chunk of chunks) got.push(chunk);
  });
  expect(got.join('')).toBe('through the pipe');
});

it('waits no longer for a reader of a named pipe when it is interrupted', async () => {
  execFileSync('mkfifo', [path]);
  const abort = new AbortController();
  const opening = openCaptureFile(path, abort.signal);
  abort.abort();
  await expect(opening).rejects.toMatchObject({
    code: 'CAPTURE_FILE',
    message: expect.stringContaining(`interrupted before anybody read ${path}`),
  });
});
