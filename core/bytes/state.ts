import { type Instant, instant } from '../time.ts';
import { type Ipv4, ipv4 } from './ipv4-address.ts';

/**
 * Readers of what another process of this program has written down of its state. Total: a value is read or refused
 * (undefined), and nothing of it is believed that was not looked at.
 */
export type StateReader<T> = (value: unknown) => { readonly value: T } | undefined;

/** What a reader gives. */
export type StateOf<R> = R extends StateReader<infer T> ? T : never;

const checked =
  <T>(fits: (value: unknown) => value is T): StateReader<T> =>
  (value) =>
    fits(value) ? { value } : undefined;

export const aFlag: StateReader<boolean> = checked((value) => typeof value === 'boolean');
/** Any number but NaN. */
export const aNumber: StateReader<number> = checked(
  (value): value is number => typeof value === 'number' && !Number.isNaN(value),
);
export const aCount = (least: number, most: number): StateReader<number> =>
  checked(
    (value): value is number => typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most,
  );
export const aText = (most: number): StateReader<string> =>
  checked((value): value is string => typeof value === 'string' && value.length <= most);
export const someBytes = (least: number, most = least): StateReader<Uint8Array> =>
  checked((value): value is Uint8Array => value instanceof Uint8Array && value.length >= least && value.length <= most);
export const oneOfState = <const T extends string | number | undefined>(...choices: readonly T[]): StateReader<T> =>
  checked((value): value is T => choices.some((choice) => choice === value));

export const anIpv4: StateReader<Ipv4> = (value) => {
  const read = aCount(0, 0xffffffff)(value);
  return read && { value: ipv4(read.value) };
};

/** What a whole reader of its own reads, as a field. */
export const aWhole =
  <T>(read: (value: unknown) => T | undefined): StateReader<T> =>
  (value) => {
    const found = read(value);
    return found === undefined ? undefined : { value: found };
  };

const asInstant = (value: unknown): { readonly value: Instant } | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? { value: instant(value) } : undefined;
/** A finite one. */
export const anInstant: StateReader<Instant> = asInstant;

/** Also absent. */
export const maybe =
  <T>(read: StateReader<T>): StateReader<T | undefined> =>
  (value) =>
    value === undefined ? { value: undefined } : read(value);

export const someOf =
  <T>(read: StateReader<T>, most: number): StateReader<readonly T[]> =>
  (value) => {
    if (!Array.isArray(value) || value.length > most) return undefined;
    const items: T[] = [];
    for (const one of value) {
      const item = read(one);
      if (item === undefined) return undefined;
      items.push(item.value);
    }
    return { value: items };
  };

type Fields = Readonly<Record<string, StateReader<unknown>>>;
type Whole<F extends Fields> = { readonly [Name in keyof F]: StateOf<F[Name]> };

/** All fields, each as its reader wants it; others are passed over. A field that may be absent has a `maybe`. */
export const aRecord =
  <F extends Fields>(fields: F): StateReader<Whole<F>> =>
  (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const out: Partial<Record<string, unknown>> = {};
    for (const [name, read] of Object.entries(fields)) {
      const field = read(Reflect.get(value, name));
      if (field === undefined) return undefined;
      out[name] = field.value;
    }
    return isWhole<F>(out, fields) ? { value: out } : undefined;
  };

const isWhole = <F extends Fields>(out: object, fields: F): out is Whole<F> =>
  Object.keys(fields).every((name) => name in out);

/** Two halves of an IPv6 address. */
export const someBits64 = aRecord({ high: aCount(0, 0xffffffff), low: aCount(0, 0xffffffff) });
