import { fromHex, toHex } from '../../core/bytes/hex.ts';
import { formatIpv4, type Ipv4, parseIpv4 } from '../../core/bytes/ipv4-address.ts';
import { ntPasswordHash } from '../../core/crypto/ms-chap-v2.ts';
import { GatewayError } from '../../core/errors.ts';

export interface User {
  readonly name: string;
  /** NtPasswordHash (RFC 2759 section 8.3), 16 octets: as good as the password to anyone who has it. */
  readonly ntHash: Uint8Array;
  /** The password itself, only where the operator asked for it: CHAP-MD5 needs it. */
  readonly password?: string;
  /** The password has expired: it opens nothing but its own change. */
  readonly mustChange?: boolean;
  /** Fixed inner address. */
  readonly address?: Ipv4;
  readonly disabled: boolean;
  readonly comment?: string;
}

/** RFC 2759 section 4 and 8.1: names of up to 256 characters, passwords of up to 256 UTF-16 units. */
const MAX_NAME_OCTETS = 255;
const MAX_PASSWORD_UNITS = 256;
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/** Names that differ in case only are one user, as on Windows. */
export const foldName = (name: string): string => name.toLowerCase();

/** What is wrong with a user name, as the end of a sentence; undefined when nothing is. */
export const nameFault = (name: string): string | undefined => {
  if (name === '') return 'is empty';
  if (new TextEncoder().encode(name).length > MAX_NAME_OCTETS) return `is longer than ${MAX_NAME_OCTETS} octets`;
  if (CONTROL.test(name)) return 'contains a control character';
  if (/[:\\/"]/.test(name)) return 'contains one of : \\ / " (leave a domain away: "alice", not "CORP\\alice")';
  if (name.trim() !== name) return 'begins or ends with a space';
  return undefined;
};

export const checkedName = (name: string): string => {
  const fault = nameFault(name);
  if (fault !== undefined) throw new GatewayError('USER_INVALID', `The user name ${fault}. Choose another one.`);
  return name;
};

/** What is wrong with a password, as the end of a sentence; undefined when nothing is. */
export const passwordFault = (password: string): string | undefined => {
  if (password === '') return 'is empty. Give one of at least one character';
  if (password.length > MAX_PASSWORD_UNITS) return `is longer than ${MAX_PASSWORD_UNITS} characters. Shorten it`;
  return CONTROL.test(password) ? 'contains a control character, such as a line end. Leave it out' : undefined;
};

/** The hash to store for a password. Throws USER_INVALID; the message never shows the password. */
export const hashedPassword = (password: string): Uint8Array => {
  const fault = passwordFault(password);
  if (fault !== undefined) throw new GatewayError('USER_INVALID', `The password ${fault}.`);
  return ntPasswordHash(password);
};

export const checkedComment = (comment: string): string => {
  if (comment.length > 256 || CONTROL.test(comment))
    throw new GatewayError('USER_INVALID', 'The comment is longer than 256 characters or not one line. Shorten it.');
  return comment;
};

/** A user as the file holds it. */
export const userToJson = (user: User): Readonly<Record<string, unknown>> => ({
  name: user.name,
  ntHash: toHex(user.ntHash),
  ...(user.password === undefined ? {} : { password: user.password }),
  ...(user.mustChange === true ? { mustChange: true } : {}),
  ...(user.address === undefined ? {} : { address: formatIpv4(user.address) }),
  ...(user.disabled ? { disabled: true } : {}),
  ...(user.comment === undefined ? {} : { comment: user.comment }),
});

const FIELDS = new Set(['name', 'ntHash', 'password', 'mustChange', 'address', 'disabled', 'comment']);

/** Reads one entry of the file: a user, or what is wrong with it as the end of a sentence. */
export const userFromJson = (entry: unknown): User | string => {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return 'is not an object';
  const fields = new Map<string, unknown>(Object.entries(entry));
  for (const key of fields.keys()) if (!FIELDS.has(key)) return `has the unknown field ${JSON.stringify(key)}`;
  const name = fields.get('name');
  if (typeof name !== 'string') return 'has no "name"';
  const fault = nameFault(name);
  if (fault !== undefined) return `has a name that ${fault}`;
  const ntHash = fields.get('ntHash');
  if (typeof ntHash !== 'string' || !/^[0-9a-fA-F]{32}$/.test(ntHash))
    return 'has no "ntHash" of 32 hexadecimal digits';
  const password = fields.get('password');
  if (password !== undefined && typeof password !== 'string') return 'has a "password" that is not text';
  if (password !== undefined && toHex(ntPasswordHash(password)) !== ntHash.toLowerCase())
    return 'has a "password" that does not belong to its "ntHash"';
  const mustChange = fields.get('mustChange') ?? false;
  if (typeof mustChange !== 'boolean') return 'has a "mustChange" that is neither true nor false';
  const disabled = fields.get('disabled') ?? false;
  if (typeof disabled !== 'boolean') return 'has a "disabled" that is neither true nor false';
  const comment = fields.get('comment');
  if (comment !== undefined && typeof comment !== 'string') return 'has a "comment" that is not text';
  const text = fields.get('address');
  const address = typeof text === 'string' ? parseIpv4(text) : undefined;
  if (text !== undefined && address === undefined) return 'has an "address" that is no IPv4 address';
  return {
    name,
    ntHash: fromHex(ntHash),
    ...(password === undefined ? {} : { password }),
    ...(mustChange ? { mustChange } : {}),
    disabled,
    ...(address === undefined ? {} : { address }),
    ...(comment === undefined ? {} : { comment }),
  };
};
