/** Class and code of an error are words of its program; anything else in their place is not. */
const WORD = /^[A-Za-z][\w.$-]{0,63}$/;

const word = (value: unknown): string | undefined =>
  typeof value === 'number' ? String(value) : typeof value === 'string' && WORD.test(value) ? value : undefined;

/** What may be logged of an error of a plug-in or library: its text may hold anything, a user name or a secret too. */
export const failureFields = (cause: unknown): { readonly type: string; readonly code?: string } => {
  try {
    if (!(cause instanceof Error)) return { type: typeof cause };
    const code = word(Reflect.get(cause, 'code'));
    return { type: word(cause.name) ?? 'Error', ...(code === undefined ? {} : { code }) };
  } catch {
    // Its fields throw, too.
    return { type: typeof cause };
  }
};

const toText = (octets: Uint8Array, digit: (octet: number) => string): string => Array.from(octets, digit).join('');

/** The forms in which a program prints octets. */
const formsOf = (octets: Uint8Array): readonly string[] => {
  const hex = toText(octets, (octet) => octet.toString(16).padStart(2, '0'));
  const latin = toText(octets, (octet) => String.fromCharCode(octet));
  return [hex, new TextDecoder().decode(octets), latin, btoa(latin), octets.join(','), octets.join(', ')];
};

/** The name as it came, and without the domain in front of it or behind. */
const namesIn = (name: string): readonly string[] => [name, name.replace(/^.*\\/, ''), name.replace(/@.*$/, '')];

const without = (text: string, parts: readonly string[], mask: string): string =>
  parts
    .filter((part) => part !== '')
    .toSorted((a, b) => b.length - a.length)
    .reduce(
      (rest, part) => rest.replace(new RegExp(part.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'), 'gi'), () => mask),
      text,
    );

/** Whatever was thrown: an error may have a message that is no text, and an object none at all. */
const textOf = (cause: unknown): string => {
  try {
    return String(cause instanceof Error ? cause.message : cause);
  } catch {
    return 'something that cannot be shown';
  }
};

/** The text of an error for people who look for a fault, without what the request held: neither the name nor octets. */
export const failureText = (cause: unknown, request: { readonly userName: string }): string => {
  const octets = Object.values<unknown>({ ...request }).filter((value) => value instanceof Uint8Array);
  return without(without(textOf(cause), octets.flatMap(formsOf), '[secret]'), namesIn(request.userName), '[user]');
};
