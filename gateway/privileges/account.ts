import { readFileSync } from 'node:fs';
import { GatewayError } from '../../core/errors.ts';

/** Whom PPTP_RUN_AS names. */
export interface Account {
  /** As it was given. */
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Further groups that have the user as a member. */
  readonly groups: readonly number[];
}

export interface AccountFiles {
  readonly passwd: string;
  readonly group: string;
}

const FILES = (): AccountFiles => ({ passwd: read('/etc/passwd'), group: read('/etc/group') });

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

const linesOf = (text: string): readonly (readonly string[])[] => text.split('\n').map((line) => line.split(':'));

const asId = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;

const refuse = (text: string, why: string): GatewayError =>
  new GatewayError('RUN_AS', `PPTP_RUN_AS is ${text}: ${why}.`);

/**
 * "user", "user:group", or numbers of them. Names are looked up in /etc/passwd and /etc/group alone; those of a directory
 * service are given by their numbers. Throws GatewayError RUN_AS.
 */
export const accountOf = (text: string, files: AccountFiles = FILES()): Account => {
  const [user = '', group] = text.split(':');
  const users = linesOf(files.passwd);
  const entry =
    users.find(([name]) => name === user) ?? users.find(([, , id]) => asId(user) !== undefined && id === user);
  const uid = asId(entry?.[2]) ?? asId(user);
  if (uid === undefined) {
    throw refuse(text, `there is no user "${user}" in /etc/passwd; make one, or give the number of one (user:group)`);
  }
  if (uid === 0) throw refuse(text, 'that is root; name an ordinary user, or set it to none');
  const groups = linesOf(files.group);
  const gid =
    group === undefined
      ? (asId(entry?.[3]) ?? uid)
      : (asId(groups.find(([name]) => name === group)?.[2]) ?? asId(group));
  if (gid === undefined) throw refuse(text, `there is no group "${group}" in /etc/group`);
  const member = (members = ''): boolean => entry !== undefined && members.split(',').includes(entry[0] ?? '');
  const further = groups.flatMap(([, , id, members]) => {
    const one = asId(id);
    return one !== undefined && one !== gid && member(members) ? [one] : [];
  });
  return { name: text, uid, gid, groups: further };
};
