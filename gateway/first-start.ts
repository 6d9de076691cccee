import { mkdir, rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GatewayError } from '../core/errors.ts';
import type { UserAdmin } from './cli/user-admin.ts';
import { ensureFirstUser } from './first-user.ts';

export interface FirstStart {
  /** The user that was made because there was no user file. */
  readonly user: { readonly name: string; readonly password: string } | undefined;
  /** Names of all users. */
  readonly users: readonly string[];
  /** The gateway is up and its operator is told the password: `undo` has nothing to do any more. */
  keep(): void;
  /** Takes back what was made: a user whose password nobody was told is of no use. */
  undo(): Promise<void>;
}

/**
 * Makes what a gateway needs on disk and does not find: the state folder and, where users are in a file (`admin`), a first
 * user. Throws STATE_DIR, and
 * USERS_FILE also for a user file that is there and cannot be used.
 */
export async function prepareStart(
  stateDir: string,
  usersFile: string,
  admin: UserAdmin | undefined,
): Promise<FirstStart> {
  const made = await makeFolder(stateDir);
  let user: FirstStart['user'];
  let kept = false;
  const undo = async (): Promise<void> => {
    if (kept) return;
    if (user !== undefined) await rm(usersFile, { force: true });
    await removeFolders(stateDir, made);
  };
  try {
    if (admin !== undefined) user = await ensureFirstUser(usersFile, admin);
    const users = ((await admin?.list()) ?? []).map(({ name }) => name);
    const keep = (): void => {
      kept = true;
    };
    return { user, users, keep, undo };
  } catch (cause) {
    await undo();
    throw cause;
  }
}

/** Returns the topmost folder that had to be made. */
async function makeFolder(path: string): Promise<string | undefined> {
  try {
    return await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError(
      'STATE_DIR',
      `the state folder ${path} cannot be made (${why}): start the gateway as root, or set PPTP_STATE_DIR to a folder it may write to.`,
      { cause },
    );
  }
}

/** From `path` up to `top`; what somebody else keeps something in stays. */
async function removeFolders(path: string, top: string | undefined): Promise<void> {
  if (top === undefined) return;
  try {
    for (let folder = path; folder.length >= top.length; folder = dirname(folder)) await rmdir(folder);
  } catch {
    // Not empty, or gone.
  }
}
