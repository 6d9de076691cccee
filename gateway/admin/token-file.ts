import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GatewayError } from '../../core/errors.ts';

/** For the user of the gateway alone. */
const PRIVATE = 0o600;
const OTHERS = 0o077;
const TOKEN_OCTETS = 24;
const TOKEN = /^[\x21-\x7e]{16,256}$/;

export interface TokenFile {
  readonly token: string;
  /** It was not there before. */
  readonly isNew: boolean;
}

export const tokenFilePath = (stateDir: string): string => `${stateDir.replace(/\/+$/, '')}/admin-token`;

const refuse = (path: string, why: string, cause?: unknown): GatewayError =>
  new GatewayError(
    'ADMIN_TOKEN',
    `the token file ${path} ${why}: remove it, or set PPTP_ADMIN_TOKEN to a token of at least 16 characters.`,
    { cause },
  );

/** The token in the file; where there is none, one is made. Rejects with ADMIN_TOKEN. */
export const ensureTokenFile = async (path: string): Promise<TokenFile> => {
  try {
    const found = (await makeFile(path)) ?? (await readFile(path));
    if (found !== undefined) return found;
    // Whoever made it did not live to write it.
    await unlink(path);
    return (await makeFile(path)) ?? (await ensureTokenFile(path));
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw refuse(path, `cannot be used (${cause instanceof Error ? cause.message : String(cause)})`, cause);
  }
};

/** Takes back what `ensureTokenFile` has made, for a gateway that did not start. */
export const removeTokenFile = (path: string): Promise<void> => unlink(path).catch(() => undefined);

/** Undefined: there is something already. */
const makeFile = async (path: string): Promise<TokenFile | undefined> => {
  let file: FileHandle;
  try {
    file = await open(path, 'wx', PRIVATE);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') return undefined;
    throw cause;
  }
  try {
    const token = randomBytes(TOKEN_OCTETS).toString('base64url');
    await file.writeFile(`${token}\n`);
    return { token, isNew: true };
  } finally {
    await file.close();
  }
};

/** Undefined: it is empty. */
const readFile = async (path: string): Promise<TokenFile | undefined> => {
  // Of a pipe nobody may ever write to the other end.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    const { mode, uid } = found;
    if (!found.isFile()) throw refuse(path, 'is no file');
    // Whose the folder is could put any file there.
    if (uid !== process.geteuid?.() && uid !== (await stat(dirname(path))).uid) {
      throw refuse(path, 'belongs to another user, who knows its token');
    }
    // Who could read it may have: it is no secret any more.
    if ((mode & OTHERS) !== 0) throw refuse(path, 'may be read by others than its owner, so its token is no secret');
    const token = (await file.readFile('utf8')).trim();
    if (token === '') return undefined;
    if (!TOKEN.test(token)) throw refuse(path, 'holds no token');
    return { token, isNew: false };
  } finally {
    await file.close();
  }
};
