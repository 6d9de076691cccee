import { withoutDomain } from '../../core/crypto/ms-chap-v2.ts';

/** Names that differ in case only are one user, as in the users file. */
export const foldName = (name: string): string => name.toLowerCase();

/** The name that an attempt claims, or an identity has, without its domain and without case. */
export const bareName = (name: string): string => foldName(withoutDomain(name));

/** What a file says of a user: of the name with its domain, else of the name alone. Keys are folded. */
export const ofUser = <T>(users: ReadonlyMap<string, T>, identity: string): T | undefined =>
  users.get(foldName(identity)) ?? users.get(bareName(identity));
