import { addUser, expirePassword, listUsers, removeUser, setPassword } from '../plugins/backend-user-file/index.ts';
import type { UserAdmin } from './cli/user-admin.ts';

/** The user file for the command line and the first start. */
export const openUserFile = (file: string): UserAdmin => ({
  list: () => listUsers(file),
  add: (user) => addUser(file, user),
  setPassword: (name, password, storePassword) => setPassword(file, name, password, { storePassword }),
  expire: (name) => expirePassword(file, name),
  remove: (name) => removeUser(file, name),
});
