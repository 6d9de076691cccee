import { createHmac, randomBytes } from 'node:crypto';

export type UserNameMode = 'plain' | 'hash' | 'off';

/** Turns the name of a user into what may leave the process. Undefined: nothing may. */
export interface UserNames {
  readonly mode: UserNameMode;
  show(name: string): string | undefined;
}

/** Names are compared by people and by queries, so 64 bits of the keyed hash are enough. */
const HASH_DIGITS = 16;

/** `hashKey` empty: a random key, so that hashes of two runs cannot be compared. */
export const createUserNames = (mode: UserNameMode, hashKey = ''): UserNames => {
  const key = hashKey === '' ? randomBytes(32) : hashKey;
  return {
    mode,
    show: (name) => {
      if (mode === 'off') return undefined;
      return mode === 'plain' ? name : createHmac('sha256', key).update(name).digest('hex').slice(0, HASH_DIGITS);
    },
  };
};
