import { addUser, listUsers, removeUser, setPassword } from '../plugins/backend-user-file/index.ts';
import type { UserAdmin } from './cli-users.ts';

/** The user file for the command line and the first start. */
export const openUserFile = (file: string): UserAdmin => ({
  list: () => listUsers(file),
  add: (user) => addUser(file, user),
  setPassword: (name, password) => setPassword(file, name, password),
  remove: (name) => removeUser(file, name),
});
