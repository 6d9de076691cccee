import type { LogFields } from '../core/ports/log.ts';
import type { UserNames } from './user-names.ts';

/**
 * Second line of defence: callers do not log secrets, and if one does by mistake, fields with these names are masked
 * and octets are never printed.
 */
const SECRET =
  /(password|passwd|passphrase|secret|challenge|response|authorization|token|hash|sessionkey|masterkey|startkey|hashkey|privatekey|keys|keymaterial)$/;
const looksSecret = (name: string): boolean => SECRET.test(name.replace(/[-_.]/g, '').toLowerCase());

/** Names of fields are few and come again with every line; those that do not are not remembered without end. */
const MAX_NAMES = 1000;
const judged = new Map<string, boolean>();
const isSecret = (name: string): boolean => {
  const known = judged.get(name);
  if (known !== undefined) return known;
  const secret = looksSecret(name);
  if (judged.size < MAX_NAMES) judged.set(name, secret);
  return secret;
};

const MAX_DEPTH = 4;
const MAX_ITEMS = 100;
const MAX_TEXT = 2000;

const errorFields = (error: Error): Record<string, unknown> => ({
  type: error.name,
  message: error.message,
  ...('code' in error ? { code: String(error.code) } : {}),
  stack: error.stack,
});

const clean = (value: unknown, depth: number): unknown => {
  if (typeof value === 'string') return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}...` : value;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} octets]`;
  if (value instanceof Error) return errorFields(value);
  if (depth >= MAX_DEPTH) return '[...]';
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => clean(item, depth + 1));
  return cleanEntries(value, depth + 1);
};

const cleanEntries = (fields: object, depth: number): Record<string, unknown> => {
  const cleaned: Record<string, unknown> = {};
  let items = 0;
  for (const [name, value] of Object.entries(fields)) {
    if (items === MAX_ITEMS) break;
    items += 1;
    // An own field of that name would replace the prototype instead.
    if (name !== '__proto__') cleaned[name] = isSecret(name) ? '[secret]' : clean(value, depth);
  }
  return cleaned;
};

/** Fields of a log line as they may be written. The field `user` is a user name and follows telemetry.userNames. */
export const scrubFields = (fields: LogFields, userNames: UserNames): Record<string, unknown> => {
  const { user, ...others } = fields;
  const scrubbed = cleanEntries(others, 0);
  const shown = typeof user === 'string' ? userNames.show(user) : undefined;
  if (shown !== undefined) scrubbed['user'] = shown;
  return scrubbed;
};
