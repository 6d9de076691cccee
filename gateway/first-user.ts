import { existsSync } from 'node:fs';
import { generatePassword } from './cli/password.ts';
import type { UserAdmin } from './cli/user-admin.ts';

export const FIRST_USER = 'vpn';

/** On the very first start (no user file) makes one user, so that there is somebody who can connect. */
export async function ensureFirstUser(
  file: string,
  users: UserAdmin,
): Promise<{ readonly name: string; readonly password: string } | undefined> {
  if (existsSync(file)) return undefined;
  const password = generatePassword();
  await users.add({ name: FIRST_USER, password });
  return { name: FIRST_USER, password };
}
