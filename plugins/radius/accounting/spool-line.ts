import { crc32 } from 'node:zlib';

/** `on` and `off` are of the whole gateway, the others of one session. */
export const RECORD_KINDS = ['on', 'start', 'interim', 'stop', 'off'] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

/** One accounting record on its way to a server. */
export interface SpoolRecord {
  /** Counts up; never used twice in one spool. */
  readonly number: number;
  readonly kind: RecordKind;
  /** Acct-Session-Id; empty for `on` and `off`. */
  readonly session: string;
  /** When it happened, in ms since 1970. */
  readonly at: number;
  /** Its attributes as they are in a packet, without Acct-Delay-Time; base64. */
  readonly block: string;
}

/** A session whose Stop is to come: what is known of it if the process dies now. */
export interface OpenSession {
  readonly at: number;
  /** Of its last record. */
  readonly block: string;
}

/** One line of the file. */
export type SpoolEntry =
  | { readonly kind: 'record'; readonly record: SpoolRecord }
  /** Delivered, or given up. */
  | { readonly kind: 'done'; readonly numbers: readonly number[] }
  | { readonly kind: 'open'; readonly session: string; readonly open: OpenSession }
  | { readonly kind: 'closed'; readonly session: string };

const line = (values: readonly unknown[]): string => {
  const text = JSON.stringify(values);
  return `${crc32(text).toString(16).padStart(8, '0')} ${text}\n`;
};

/** A checksum, a blank, a JSON array, a line feed: what a crash leaves half-written is told from what is whole. */
export const writeEntry = (entry: SpoolEntry): string => {
  switch (entry.kind) {
    case 'record': {
      const { number, kind, session, at, block } = entry.record;
      return line(['r', number, kind, session, at, block]);
    }
    case 'done':
      return line(['d', ...entry.numbers]);
    case 'open':
      return line(['o', entry.session, entry.open.at, entry.open.block]);
    case 'closed':
      return line(['c', entry.session]);
  }
};

const jsonArray = (text: string): readonly unknown[] | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const isKind = (value: unknown): value is RecordKind => RECORD_KINDS.some((kind) => kind === value);
const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

/** Total; `text` is without its line feed. Undefined: damaged, or not ours. */
export const parseEntry = (text: string): SpoolEntry | undefined => {
  const json = text.slice(9);
  if (text[8] !== ' ' || text.slice(0, 8) !== crc32(json).toString(16).padStart(8, '0')) return undefined;
  const [tag, ...rest] = jsonArray(json) ?? [];
  if (tag === 'd') return rest.every(isCount) ? { kind: 'done', numbers: rest } : undefined;
  if (tag === 'r') {
    const [number, kind, session, at, block] = rest;
    return isCount(number) && isKind(kind) && typeof session === 'string' && isCount(at) && typeof block === 'string'
      ? { kind: 'record', record: { number, kind, session, at, block } }
      : undefined;
  }
  const [session, at, block] = rest;
  if (typeof session !== 'string') return undefined;
  if (tag === 'c') return { kind: 'closed', session };
  return tag === 'o' && isCount(at) && typeof block === 'string'
    ? { kind: 'open', session, open: { at, block } }
    : undefined;
};
