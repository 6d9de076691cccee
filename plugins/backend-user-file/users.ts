import { equalBytes } from '../../core/bytes/bytes.ts';
import { formatIpv4, type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import { GatewayError } from '../../core/errors.ts';
import { type LockOptions, withLock } from './file-lock.ts';
import { checkedComment, checkedName, foldName, hashedPassword, type User } from './user.ts';
import { makeFolder, readUsersFile, writeUsersFile } from './users-file.ts';

/** What an operator does with the users file; every edit reads, changes and replaces it under a lock. */

/** A user without the secrets. */
export interface UserInfo extends Omit<User, 'ntHash' | 'password'> {
  /** The password itself is in the file. */
  readonly storesPassword?: boolean;
}

export interface NewUser {
  readonly name: string;
  readonly password: string;
  readonly address?: Ipv4;
  readonly disabled?: boolean;
  readonly comment?: string;
  /** Keep the password itself too, for CHAP-MD5. */
  readonly storePassword?: boolean;
  /** The password serves for nothing but its own change. */
  readonly mustChange?: boolean;
}

export interface EditOptions {
  readonly lock?: Partial<LockOptions>;
}

export interface PasswordOptions extends EditOptions {
  /** Keep the password itself too; where it is kept already it stays kept. */
  readonly storePassword?: boolean;
}

/** Throws USERS_FILE when the file is missing, open to others or wrong. */
export const readUsers = async (path: string): Promise<readonly User[]> => (await readUsersFile(path)).users;

/** By name. */
export const listUsers = async (path: string): Promise<readonly UserInfo[]> =>
  (await readUsers(path))
    .map(({ ntHash: _secret, password, ...info }) => ({
      ...info,
      ...(password === undefined ? {} : { storesPassword: true }),
    }))
    .sort((a, b) => (foldName(a.name) < foldName(b.name) ? -1 : 1));

/** Makes the file when there is none. Throws USER_EXISTS (also for a name that differs in case only), USER_INVALID. */
export const addUser = async (path: string, user: NewUser, options: EditOptions = {}): Promise<void> => {
  const { address, comment } = user;
  const added: User = {
    name: checkedName(user.name),
    ntHash: hashedPassword(user.password),
    disabled: user.disabled ?? false,
    ...(user.storePassword === true ? { password: user.password } : {}),
    ...(user.mustChange === true ? { mustChange: true } : {}),
    ...(address === undefined ? {} : { address }),
    ...(comment === undefined ? {} : { comment: checkedComment(comment) }),
  };
  await edit(path, options, true, (users) => {
    const same = users.find((one) => foldName(one.name) === foldName(added.name));
    if (same !== undefined)
      throw new GatewayError(
        'USER_EXISTS',
        `There is a user ${JSON.stringify(same.name)} already. Set a new password with \`pptp-gateway users passwd\`.`,
      );
    const taken = users.find((one) => address !== undefined && one.address === address);
    if (taken !== undefined) throw addressTaken(taken);
    return [...users, added];
  });
};

/** The user with another password, which has not expired. */
const renewed = ({ mustChange: _expired, password: old, ...user }: User, password: string, store = false): User => ({
  ...user,
  ntHash: hashedPassword(password),
  ...(store || old !== undefined ? { password } : {}),
});

/** Throws USER_UNKNOWN, USER_INVALID. Sessions that are up are not touched. */
export const setPassword = async (
  path: string,
  name: string,
  password: string,
  options: PasswordOptions = {},
): Promise<void> => {
  hashedPassword(password);
  await edit(path, options, false, (users) => {
    const { name: known } = find(users, name);
    return users.map((user) => (user.name === known ? renewed(user, password, options.storePassword) : user));
  });
};

/**
 * What a user does with an expired password. False when it is the old one again, or when the file has another one by now;
 * throws USERS_FILE when it cannot be written. `password` has no fault.
 */
export const changeOwnPassword = async (path: string, user: User, password: string): Promise<boolean> => {
  let changed = false;
  await edit(path, {}, false, (users) =>
    users.map((one) => {
      const mine = one.name === user.name && one.mustChange === true && equalBytes(one.ntHash, user.ntHash);
      if (!mine || equalBytes(hashedPassword(password), one.ntHash)) return one;
      changed = true;
      return renewed(one, password);
    }),
  );
  return changed;
};

/** The password must be changed before it opens anything again. Throws USER_UNKNOWN. Sessions that are up stay. */
export const expirePassword = async (path: string, name: string, options: EditOptions = {}): Promise<void> =>
  edit(path, options, false, (users) => {
    const { name: known } = find(users, name);
    return users.map((user) => (user.name === known ? { ...user, mustChange: true } : user));
  });

export interface UserChange {
  /** Null: from the pool. */
  readonly address?: Ipv4 | null;
  /** Whether the password must be changed before it opens anything again. */
  readonly mustChange?: boolean;
}

/** What is left out stays. Throws USER_UNKNOWN, USER_INVALID. Sessions that are up are not touched. */
export const changeUser = async (
  path: string,
  name: string,
  { address, mustChange }: UserChange,
  options: EditOptions = {},
): Promise<void> =>
  edit(path, options, false, (users) => {
    const { name: known } = find(users, name);
    const taken = users.find((one) => typeof address === 'number' && one.address === address && one.name !== known);
    if (taken !== undefined) throw addressTaken(taken);
    return users.map((user) => {
      if (user.name !== known) return user;
      const { address: before, mustChange: expired, ...rest } = user;
      const kept = address === undefined ? before : (address ?? undefined);
      return {
        ...rest,
        ...(kept === undefined ? {} : { address: kept }),
        ...((mustChange ?? expired) === true ? { mustChange: true } : {}),
      };
    });
  });

/** Throws USER_UNKNOWN. Sessions that are up are not touched. */
export const removeUser = async (path: string, name: string, options: EditOptions = {}): Promise<void> =>
  edit(path, options, false, (users) => {
    const { name: known } = find(users, name);
    return users.filter((user) => user.name !== known);
  });

const addressTaken = ({ name, address = ipv4(0) }: User): GatewayError =>
  new GatewayError(
    'USER_INVALID',
    `The address ${formatIpv4(address)} belongs to user ${JSON.stringify(name)}. Choose another one.`,
  );

const find = (users: readonly User[], name: string): User => {
  const user = users.find((one) => foldName(one.name) === foldName(name));
  if (user === undefined)
    throw new GatewayError(
      'USER_UNKNOWN',
      `There is no user ${JSON.stringify(name)}. \`pptp-gateway users list\` shows all of them.`,
    );
  return user;
};

const isMissing = (cause: unknown): boolean =>
  cause instanceof GatewayError &&
  cause.cause instanceof Error &&
  'code' in cause.cause &&
  cause.cause.code === 'ENOENT';

const edit = async (
  path: string,
  options: EditOptions,
  mayCreate: boolean,
  change: (users: readonly User[]) => readonly User[],
): Promise<void> => {
  // The lock stands beside the file, so its folder has to be there.
  if (mayCreate) await makeFolder(path);
  else await readUsers(path);
  await withLock(
    path,
    async () => {
      const users = await readUsers(path).catch((cause: unknown) => {
        if (mayCreate && isMissing(cause)) return [];
        throw cause;
      });
      await writeUsersFile(path, change(users));
    },
    options.lock,
  );
};
