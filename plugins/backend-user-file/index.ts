/** The embedded user store: a file of names and NT hashes, and what an operator does with it. */
export { UserFileAuthenticator } from './authenticator.ts';
export type { LockOptions } from './file-lock.ts';
export { userFilePlugin } from './plugin.ts';
export type { User } from './user.ts';
export {
  addUser,
  changeUser,
  type EditOptions,
  expirePassword,
  listUsers,
  type NewUser,
  type PasswordOptions,
  readUsers,
  removeUser,
  setPassword,
  type UserChange,
  type UserInfo,
} from './users.ts';
