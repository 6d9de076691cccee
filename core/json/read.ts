import { printable } from '../bytes/ascii.ts';
import { fromBase64 } from '../bytes/base64.ts';

/** What became of reading a JSON value: it, or a sentence that says where it is wrong and never what it was. */
export type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly complaint: string };

/** Total: any value, from `JSON.parse` or not, is read or refused. `where` names it: "profile.routes[2]". */
export type Reader<T> = (value: unknown, where: string) => Read<T>;

const good = <T>(value: T): Read<T> => ({ ok: true, value });
const bad = (where: string, expected: string): { readonly ok: false; readonly complaint: string } => ({
  ok: false,
  complaint: `${where} must be ${expected}`,
});

/** A reader of strings that `parse` understands. */
export const parsed =
  <T>(expected: string, parse: (text: string) => T | undefined): Reader<T> =>
  (value, where) => {
    const result = typeof value === 'string' ? parse(value) : undefined;
    return result === undefined ? bad(where, expected) : good(result);
  };

/** Text without control characters and without halves of surrogate pairs. */
export const line = (most: number): Reader<string> =>
  parsed(`text of 1 to ${most} characters without control characters`, (text) =>
    text.length > 0 && text.length <= most && !/[\p{Cc}\p{Cs}]/u.test(text) ? text : undefined,
  );

export const whole =
  (least: number, most: number): Reader<number> =>
  (value, where) =>
    typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
      ? good(value)
      : bad(where, `a whole number from ${least} to ${most}`);

export const flag: Reader<boolean> = (value, where) =>
  typeof value === 'boolean' ? good(value) : bad(where, 'true or false');

export const oneOf =
  <const T extends string | number>(...choices: readonly T[]): Reader<T> =>
  (value, where) => {
    const found = choices.find((choice) => choice === value);
    return found === undefined ? bad(where, `one of ${choices.join(', ')}`) : good(found);
  };

export const base64 = (least: number, most = least): Reader<Uint8Array> =>
  parsed(`base64 of ${least === most ? least : `${least} to ${most}`} octets`, (text) => {
    if (text.length > 4 * Math.ceil(most / 3)) return undefined;
    const bytes = fromBase64(text);
    return bytes !== undefined && bytes.length >= least && bytes.length <= most ? bytes : undefined;
  });

export const list =
  <T>(item: Reader<T>, most: number, least = 0): Reader<readonly T[]> =>
  (value, where) => {
    if (!Array.isArray(value) || value.length < least || value.length > most) {
      return bad(where, `a list of ${least} to ${most} items`);
    }
    const items: T[] = [];
    for (const [index, one] of value.entries()) {
      const read = item(one, `${where}[${index}]`);
      if (!read.ok) return read;
      items.push(read.value);
    }
    return good(items);
  };

export type Fields<T> = { readonly [Name in keyof T]-?: Reader<Exclude<T[Name], undefined>> };

/** An object with these fields and no others: a misspelt one shall be heard of. `required` must be there. */
export const object =
  <T extends object>(fields: Fields<T>, required: readonly (keyof T & string)[] = []): Reader<T> =>
  (value, where) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return bad(where, 'an object');
    const given = new Map<string, unknown>(Object.entries(value));
    const out: Partial<T> = {};
    for (const name in fields) {
      if (!given.has(name)) continue;
      const read = fields[name](given.get(name), `${where}.${name}`);
      if (!read.ok) return read;
      out[name] = read.value;
      given.delete(name);
    }
    const [unknown] = given.keys();
    if (unknown !== undefined) return { ok: false, complaint: `${where} has no field ${printable(unknown, 40)}` };
    if (isWhole(out, required)) return good(out);
    return { ok: false, complaint: `${where} lacks ${required.filter((name) => !(name in out)).join(', ')}` };
  };

const isWhole = <T extends object>(out: Partial<T>, required: readonly (keyof T & string)[]): out is T =>
  required.every((name) => name in out);

/** `read`, with its value made into something else. */
export const mapped =
  <T, U>(read: Reader<T>, map: (value: T) => U): Reader<U> =>
  (value, where) => {
    const result = read(value, where);
    return result.ok ? good(map(result.value)) : result;
  };

/** The value of a text; never throws. */
export const parseJson = (text: string): Read<unknown> => {
  try {
    return good<unknown>(JSON.parse(text));
  } catch {
    return { ok: false, complaint: 'it is not JSON' };
  }
};

/** What `JSON.stringify` writes as it is. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json | undefined };
export type JsonObject = { readonly [name: string]: Json | undefined };
