import type { ProfileChange, UserProfile } from '../../core/ports/profile.ts';

const KEYS = [
  'rate',
  'filter',
  'idleSeconds',
  'sessionSeconds',
  'quotaOctets',
  'interimSeconds',
  'classes',
] as const satisfies readonly (keyof ProfileChange)[];

/** The profile after a change: a key with `undefined` is taken out, one that is absent stays. */
export const changedProfile = (profile: UserProfile, change: ProfileChange): UserProfile => {
  const next: Record<string, unknown> = { ...profile };
  for (const key of KEYS) {
    if (!(key in change)) continue;
    if (change[key] === undefined) delete next[key];
    else next[key] = change[key];
  }
  return next;
};

/** Whether two profiles say the same. */
export const sameProfile = (a: UserProfile, b: UserProfile): boolean => sameValue(a, b);

const sameValue = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [fieldsOf(a), fieldsOf(b)];
  return (
    left.size === right.size && [...left].every(([key, value]) => right.has(key) && sameValue(value, right.get(key)))
  );
};

const fieldsOf = (value: object): ReadonlyMap<string, unknown> =>
  new Map(Object.entries(value).filter(([, field]) => field !== undefined));
