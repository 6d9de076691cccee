declare const brand: unique symbol;
/** A nominal type: the value is a plain `T`, made only by the constructor that checked it. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Milliseconds on a monotonic clock; only differences mean anything. */
export type Instant = Brand<number, 'Instant'>;

export const instant = (milliseconds: number): Instant => milliseconds as Instant;
/** `from` moved by `milliseconds` (may be negative). */
export const after = (from: Instant, milliseconds: number): Instant => (from + milliseconds) as Instant;

/** The earlier of two deadlines, where `undefined` means "none". */
export const earliest = (a: Instant | undefined, b: Instant | undefined): Instant | undefined => {
  if (a === undefined) return b;
  if (b === undefined) return a;
  return a <= b ? a : b;
};
