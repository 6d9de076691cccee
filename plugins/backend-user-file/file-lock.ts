import { randomBytes } from 'node:crypto';
import { link, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../../core/errors.ts';

/**
 * A lock file beside a file that is read, changed and written back. It is made with O_EXCL and holds the process id. A
 * lock is stale when that process is gone, or when it is older than any edit takes (a process id means nothing across
 * containers that share the folder).
 */
export interface LockOptions {
  /** How long to wait for another edit, in ms. */
  readonly waitMs: number;
  /** Age in ms from which a lock is stale whoever made it. */
  readonly staleMs: number;
}

const DEFAULTS: LockOptions = { waitMs: 5000, staleMs: 30_000 };
const POLL_MS = 25;

const codeOf = (cause: unknown): unknown =>
  typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;

/** Runs `task` while holding `<path>.lock`. Throws USERS_FILE when another process keeps it. */
export const withLock = async <T>(
  path: string,
  task: () => Promise<T>,
  options: Partial<LockOptions> = {},
): Promise<T> => {
  const { waitMs, staleMs } = { ...DEFAULTS, ...options };
  const lock = `${path}.lock`;
  const token = `${process.pid} ${randomBytes(8).toString('hex')}\n`;
  for (let waited = 0; !(await take(lock, token)); waited += POLL_MS) {
    if (await removeStale(lock, staleMs)) continue;
    if (waited >= waitMs)
      throw new GatewayError(
        'USERS_FILE',
        `The users file ${path} is being edited by another process. Try again; if none is running, remove ${lock}.`,
      );
    await sleep(POLL_MS);
  }
  try {
    return await task();
  } finally {
    // Somebody may have taken an old lock of ours for stale: leave theirs alone.
    if ((await contentOf(lock)) === token) await unlink(lock).catch(() => undefined);
  }
};

const take = async (lock: string, token: string): Promise<boolean> => {
  try {
    const handle = await open(lock, 'wx', 0o600);
    try {
      await handle.writeFile(token);
    } finally {
      await handle.close();
    }
    return true;
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError('USERS_FILE', `The lock ${lock} cannot be made (${why}). Run as the owner of its folder.`, {
      cause,
    });
  }
};

const contentOf = async (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined);

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return codeOf(cause) !== 'ESRCH';
  }
};

/** True when the way may be free now. */
const removeStale = async (lock: string, staleMs: number): Promise<boolean> => {
  const stats = await stat(lock).catch(() => undefined);
  if (stats === undefined) return true;
  const content = await contentOf(lock);
  // A lock without a line end is just being written.
  const pid = /^(\d+) [0-9a-f]+\n$/.exec(content ?? '')?.[1];
  const orphaned = pid !== undefined && Number(pid) !== process.pid && !isAlive(Number(pid));
  if (!orphaned && Date.now() - stats.mtimeMs < staleMs) return false;
  const aside = `${lock}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(lock, aside);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return true;
    throw cause;
  }
  // Between looking and renaming another process may have done the same and taken the lock: give it back.
  if ((await contentOf(aside)) !== content) await link(aside, lock).catch(() => undefined);
  await unlink(aside).catch(() => undefined);
  return true;
};
