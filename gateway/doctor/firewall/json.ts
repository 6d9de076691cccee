/** Looking into JSON of other programs: what is not as expected is undefined, never an exception. */
export type Json = unknown;

export const parseJson = (text: string): Json => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

export const member = (value: Json, ...path: readonly string[]): Json => {
  let at = value;
  for (const name of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = Reflect.get(at, name);
  }
  return at;
};

export const textOf = (value: Json): string | undefined => (typeof value === 'string' ? value : undefined);
export const numberOf = (value: Json): number | undefined => (typeof value === 'number' ? value : undefined);
export const listOf = (value: Json): readonly Json[] => (Array.isArray(value) ? value : []);

/** Whether the object has the member, `null` included. */
export const has = (value: Json, name: string): boolean =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name);
