import { randomBytes } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { chown, type FileHandle, mkdir, open, realpath, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { GatewayError } from '../../core/errors.ts';
import { foldName, type User, userFromJson, userToJson } from './user.ts';

/**
 * The users file: JSON, only its owner may read it.
 *
 *     {
 *       "version": 1,
 *       "users": [
 *         { "name": "alice", "ntHash": "<32 hexadecimal digits>" },
 *         { "name": "bob", "ntHash": "...", "address": "10.77.1.5", "disabled": true, "comment": "back office" }
 *       ]
 *     }
 *
 * `ntHash` is the NT hash of the password (MD4 of it in UTF-16LE). MS-CHAPv2 accepts the hash in place of the password, so
 * the file is as secret as a list of passwords. A user may have `password` too, readable, for CHAP-MD5, and
 * `mustChange`: true, which makes the password good for nothing but its own change. Unknown fields are errors.
 */
const VERSION = 1;
/** More than this is no users file: about 100,000 users. */
const MAX_OCTETS = 32 * 1024 * 1024;

/** Tells one content of the file from another without reading it. */
export type FileStamp = string;

export interface UsersSnapshot {
  readonly users: readonly User[];
  readonly stamp: FileStamp;
}

export const stampOf = (stats: BigIntStats): FileStamp =>
  `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;

const codeOf = (cause: unknown): unknown =>
  typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;

const failure = (path: string, what: string, cause?: unknown): GatewayError =>
  new GatewayError('USERS_FILE', `The users file ${path} ${what}`, cause === undefined ? {} : { cause });

const unreadable = (path: string, cause: unknown): GatewayError => {
  if (codeOf(cause) === 'ENOENT')
    return failure(path, 'does not exist. Make it with `pptp-gateway users add NAME`.', cause);
  const why = cause instanceof Error ? cause.message : String(cause);
  return failure(path, `cannot be read (${why}). Run as its owner, or correct the path.`, cause);
};

/** Users from the text of a file, or a GatewayError that names the entry. */
export const parseUsers = (path: string, text: string): readonly User[] => {
  const bad = (what: string): GatewayError => failure(path, `${what}. Correct it, or restore an earlier copy.`);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which holds hashes.
    throw bad('is not valid JSON');
  }
  if (typeof document !== 'object' || document === null) throw bad('holds no JSON object');
  if (!('version' in document) || document.version !== VERSION) throw bad(`has no "version": ${VERSION}`);
  if (!('users' in document) || !Array.isArray(document.users)) throw bad('has no list "users"');
  const users: User[] = [];
  const names = new Set<string>();
  const addresses = new Set<number>();
  for (const [at, entry] of document.users.entries()) {
    const user = userFromJson(entry);
    if (typeof user === 'string') throw bad(`has a mistake: entry ${at + 1} of "users" ${user}`);
    if (names.has(foldName(user.name))) throw bad(`names the user ${JSON.stringify(user.name)} twice`);
    if (user.address !== undefined && addresses.has(user.address))
      throw bad(`gives the address of user ${JSON.stringify(user.name)} to another user too`);
    names.add(foldName(user.name));
    if (user.address !== undefined) addresses.add(user.address);
    users.push(user);
  }
  return users;
};

export const formatUsers = (users: readonly User[]): string =>
  `${JSON.stringify({ version: VERSION, users: users.map(userToJson) }, undefined, 2)}\n`;

/**
 * Whether nobody reads the file who should not: its owner alone, or, where root has put it there for a gateway that runs as
 * somebody else (as Kubernetes does with secrets), a group of that user. `runner` is the effective user id.
 */
export const isPrivate = ({ mode, uid }: { readonly mode: bigint; readonly uid: bigint }, runner: number): boolean => {
  const forbidden = uid === 0n && runner !== 0 ? 0o037n : 0o077n;
  return (mode & forbidden) === 0n;
};

const checkStats = (path: string, stats: BigIntStats): void => {
  if (!stats.isFile()) throw failure(path, 'is not a regular file. Correct the path.');
  if (!isPrivate(stats, process.geteuid?.() ?? 0))
    throw failure(path, `may be read or written by others than its owner. Run: chmod 600 ${path}`);
  if (stats.size > BigInt(MAX_OCTETS)) throw failure(path, `is larger than ${MAX_OCTETS} octets. Correct the path.`);
};

/** Reads and checks the file. Throws USERS_FILE with what to do. */
export const readUsersFile = async (path: string): Promise<UsersSnapshot> => {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (cause) {
    throw unreadable(path, cause);
  }
  try {
    const stats = await handle.stat({ bigint: true });
    checkStats(path, stats);
    const text = await handle.readFile('utf8').catch((cause: unknown) => {
      throw unreadable(path, cause);
    });
    return { users: parseUsers(path, text), stamp: stampOf(stats) };
  } finally {
    await handle.close();
  }
};

const unwritable = (path: string, cause: unknown): GatewayError => {
  const why = cause instanceof Error ? cause.message : String(cause);
  return failure(path, `cannot be written (${why}). Run as its owner, or correct the path.`, cause);
};

/** Makes the folder of the file, for its owner only. */
export const makeFolder = async (path: string): Promise<void> => {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw unwritable(path, cause);
  }
};

/** Where a symbolic link leads, so that a rewrite replaces the file and not the link. */
const target = async (path: string): Promise<string> => {
  try {
    return await realpath(path);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return path;
    throw unreadable(path, cause);
  }
};

const modeAndOwner = async (path: string): Promise<BigIntStats | undefined> => {
  try {
    const handle = await open(path, 'r');
    try {
      return await handle.stat({ bigint: true });
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw unreadable(path, cause);
  }
};

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/**
 * Replaces the file in one step: a reader sees the old or the new content, also after a crash. Keeps mode and owner;
 * a new file gets mode 0600.
 */
export const writeUsersFile = async (path: string, users: readonly User[]): Promise<void> => {
  try {
    const real = await target(path);
    const folder = dirname(real);
    const before = await modeAndOwner(real);
    const temporary = join(folder, `.${basename(real)}.${process.pid}.${randomBytes(6).toString('hex')}`);
    const handle = await open(temporary, 'wx', 0o600);
    try {
      try {
        await handle.writeFile(formatUsers(users), 'utf8');
        await handle.chmod(before === undefined ? 0o600 : Number(before.mode & 0o700n));
        await handle.sync();
      } finally {
        await handle.close();
      }
      if (before !== undefined && process.getuid?.() === 0)
        await chown(temporary, Number(before.uid), Number(before.gid));
      await rename(temporary, real);
    } catch (cause) {
      await unlink(temporary).catch(() => undefined);
      throw cause;
    }
    await syncFolder(folder);
  } catch (cause) {
    throw cause instanceof GatewayError ? cause : unwritable(path, cause);
  }
};
