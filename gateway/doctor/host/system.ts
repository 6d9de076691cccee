import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { access, constants, open, readdir, readFile, readlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';

// Looking at this host. Nothing here leaves a change behind, and what cannot be seen is undefined.

export const readText = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
};

export const readLine = async (path: string): Promise<string | undefined> => (await readText(path))?.split('\n')[0];

export const readTarget = (path: string): Promise<string | undefined> => readlink(path).catch(() => undefined);

export const namesIn = (folder: string): Promise<readonly string[]> => readdir(folder).catch(() => []);

export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Nobody can have it: there is no such file. What may not be looked at is not missing. */
export const isMissing = (path: string): Promise<boolean> =>
  access(path).then(
    () => false,
    (cause: unknown) => cause instanceof Error && Reflect.get(cause, 'code') === 'ENOENT',
  );

export const isWritable = (path: string): Promise<boolean> =>
  access(path, constants.W_OK).then(
    () => true,
    () => false,
  );

/** Makes a file there and removes it at once: root may write everywhere, by the mode, and still cannot in /proc. */
export const canMakeFile = async (folder: string): Promise<boolean> => {
  const path = join(folder, `.doctor-${process.pid}-${randomUUID()}`);
  try {
    await (await open(path, 'wx', 0o600)).close();
    await unlink(path);
    return true;
  } catch {
    return false;
  }
};

export interface ProgramResult {
  readonly ok: boolean;
  readonly missing: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

const TIMEOUT_MS = 10_000;
const MAX_OUTPUT = 64 * 1024 * 1024;
/** Debian keeps these programs where an ordinary user's PATH does not look. */
const PATH = `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/local/sbin:/usr/sbin:/sbin`;

/** Runs a program without a shell, in the C locale. */
export const runProgram = (program: string, ...args: readonly string[]): Promise<ProgramResult> =>
  new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT, env: { PATH, LC_ALL: 'C' } };
    execFile(program, [...args], options, (error, stdout, stderr) => {
      const missing = error !== null && error.code === 'ENOENT';
      resolve({ ok: error === null, missing, stdout, stderr: stderr.trim() || (error?.message ?? '') });
    });
  });

/** Text of what was thrown, with what to do where one of our errors knows. */
export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
