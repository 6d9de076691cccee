import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  lchownSync,
  lstatSync,
  openSync,
  readdirSync,
  type Stats,
} from 'node:fs';
import { GatewayError } from '../../core/errors.ts';
import type { Account } from './account.ts';

type Owner = Pick<Account, 'uid' | 'gid'>;

/** It is gone, or something else than it was a moment ago. */
const CHANGED: readonly unknown[] = ['ENOENT', 'ELOOP', 'ENOTDIR', 'ENXIO'];

/**
 * Gives a folder, which may be named by a link, and what is in it away. It may have been that user's before, who may change
 * it meanwhile: each entry is looked up in the folder that was opened, and nothing out of it is given away. Of links within
 * the link itself is given; files with several names stay. Throws GatewayError RUN_AS.
 */
export const giveFolder = (owner: Owner, path: string): void => {
  const folder = open(path, path, constants.O_DIRECTORY);
  if (folder !== undefined) giveOpened(owner, folder, path);
};

/** Of a link the link itself. One that is gone meanwhile is nobody's. Throws GatewayError RUN_AS. */
export const giveFile = ({ uid, gid }: Owner, path: string): void => {
  unlessChanged(path, () => lchownSync(path, uid, gid));
};

/** Closes the folder. */
const giveOpened = (owner: Owner, folder: number, shown: string): void => {
  try {
    const inside = `/proc/self/fd/${folder}`;
    for (const name of readdirSync(inside)) giveEntry(owner, `${inside}/${name}`, `${shown}/${name}`);
    unlessChanged(shown, () => fchownSync(folder, owner.uid, owner.gid));
  } finally {
    closeSync(folder);
  }
};

const giveEntry = (owner: Owner, path: string, shown: string): void => {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (found.isDirectory()) {
    const folder = open(path, shown, constants.O_DIRECTORY | constants.O_NOFOLLOW);
    if (folder !== undefined) giveOpened(owner, folder, shown);
  } else if (!found.isFile()) {
    unlessChanged(shown, () => lchownSync(path, owner.uid, owner.gid));
  } else if (isToBeGiven(owner, found)) {
    giveRegular(owner, path, shown);
  }
};

const giveRegular = (owner: Owner, path: string, shown: string): void => {
  const file = open(path, shown, constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if (file === undefined) return;
  try {
    if (isToBeGiven(owner, fstatSync(file))) unlessChanged(shown, () => fchownSync(file, owner.uid, owner.gid));
  } finally {
    closeSync(file);
  }
};

const isToBeGiven = ({ uid, gid }: Owner, found: Stats): boolean =>
  found.isFile() && found.nlink === 1 && (found.uid !== uid || found.gid !== gid);

const open = (path: string, shown: string, flags: number): number | undefined =>
  unlessChanged(shown, () => openSync(path, constants.O_RDONLY | flags));

const unlessChanged = <T>(shown: string, work: () => T): T | undefined => {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && CHANGED.includes(cause.code)) return undefined;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError('RUN_AS', `${shown} cannot be given to the user of PPTP_RUN_AS (${why}).`, { cause });
  }
};
