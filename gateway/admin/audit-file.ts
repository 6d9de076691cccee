import { constants } from 'node:fs';
import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Log } from '../../core/ports/log.ts';
import type { AuditEntry } from './api/operations.ts';
import { ROLES } from './api/roles.ts';
import type { AuditLog, AuditQuery } from './audit.ts';
import { linesFromEnd } from './lines-from-end.ts';

/** Octets after which a file is put aside; there are never more than two. */
const MOST_OCTETS = 8 * 1024 * 1024;
/** Entries that may wait for the disk; more are not kept. */
const MOST_WAITING = 1024;
/** Between two lines of the log about entries that could not be written. */
const QUIET_MS = 60_000;
/** Of the gateway's user alone. */
const PRIVATE = 0o600;
const APPEND = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT;

export interface AuditFileOptions {
  /** `audit.log` and `audit.log.1` are in it. */
  readonly folder: string;
  readonly log: Log;
  /** ms since 1970. */
  readonly now?: () => number;
  readonly mostOctets?: number;
}

/** The audit as JSON lines in a file that only grows, and is put aside when it is long. */
export class AuditFile implements AuditLog {
  /** Entries that could not be written. */
  failures = 0;
  readonly #path: string;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #mostOctets: number;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #saidAt: number | undefined;
  /** What was written last may lack its end. */
  #torn = true;

  constructor({ folder, log, now = Date.now, mostOctets = MOST_OCTETS }: AuditFileOptions) {
    this.#path = join(folder, 'audit.log');
    this.#log = log;
    this.#now = now;
    this.#mostOctets = mostOctets;
  }

  async note(entry: Omit<AuditEntry, 'at'>): Promise<void> {
    if (this.#waiting >= MOST_WAITING) {
      this.#failed(new Error('the disk is too slow'));
      return;
    }
    const { action, actor, role, from, outcome, target, detail } = entry;
    const at = new Date(this.#now()).toISOString();
    const line = JSON.stringify({ at, action, actor, role, from, outcome, target, detail } satisfies AuditEntry);
    this.#waiting += 1;
    const written = this.#last.then(() => this.#append(`${line}\n`)).catch((cause: unknown) => this.#failed(cause));
    this.#last = written;
    await written;
    this.#waiting -= 1;
  }

  async read({ limit, action }: AuditQuery): Promise<readonly AuditEntry[]> {
    await this.#last;
    const found: AuditEntry[] = [];
    for (const path of [this.#path, `${this.#path}.1`]) {
      for await (const line of linesFromEnd(path)) {
        if (found.length >= limit) return found;
        const entry = parseEntry(line);
        if (entry !== undefined && (action === undefined || entry.action === action)) found.push(entry);
      }
    }
    return found;
  }

  async #append(line: string): Promise<void> {
    const file = await this.#open(Buffer.byteLength(line));
    try {
      // Where a crash or a full disk has cut a line, the next one must not be part of it.
      const text = this.#torn ? await startOfLine(file, line) : line;
      this.#torn = true;
      await file.appendFile(text);
      this.#torn = false;
    } finally {
      await file.close();
    }
  }

  async #open(more: number): Promise<FileHandle> {
    const size = await stat(this.#path).then(
      (found) => found.size,
      () => 0,
    );
    if (size > 0 && size + more > this.#mostOctets) await rename(this.#path, `${this.#path}.1`);
    const user = await this.#user();
    // What that user has put there may lead to a file that only root may write.
    const file = await open(this.#path, user === undefined ? APPEND : APPEND | constants.O_NOFOLLOW, PRIVATE);
    if (user !== undefined && size === 0) await file.chown(user.uid, user.gid);
    return file;
  }

  /** Who writes here when this process, which is root, has handed over or given up its privileges. */
  async #user(): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
    if (process.geteuid?.() !== 0) return undefined;
    const { uid, gid } = await stat(dirname(this.#path));
    return uid === 0 ? undefined : { uid, gid };
  }

  #failed(cause: unknown): void {
    this.failures += 1;
    const now = this.#now();
    if (this.#saidAt !== undefined && now - this.#saidAt < QUIET_MS) return;
    this.#saidAt = now;
    const why = cause instanceof Error ? cause.message : String(cause);
    this.#log.error('audit.lost', `changes could not be written to ${this.#path}: ${why}`, { lost: this.failures });
  }
}

/** Of a worker: what it is told to change its supervisor has noted. */
export const silentAudit: AuditLog = {
  note: () => Promise.resolve(),
  read: () => Promise.resolve([]),
};

const startOfLine = async (file: FileHandle, line: string): Promise<string> => {
  const { size } = await file.stat();
  if (size === 0) return line;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === 0x0a ? line : `\n${line}`;
};

const OUTCOMES = ['done', 'refused', 'failed'] as const;

/** Undefined for a line that was cut off, or is none of ours. */
const parseEntry = (line: string): AuditEntry | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const has = new Map<string, unknown>(Object.entries(value));
  const [at, action, actor, from] = ['at', 'action', 'actor', 'from'].map((name) => has.get(name));
  const outcome = OUTCOMES.find((one) => one === has.get('outcome'));
  if (typeof at !== 'string' || typeof action !== 'string' || outcome === undefined) return undefined;
  if (typeof actor !== 'string' || typeof from !== 'string') return undefined;
  const role = ROLES.find((one) => one === has.get('role')) ?? null;
  const detail = has.get('detail');
  return {
    at,
    action,
    actor,
    role,
    from,
    outcome,
    target: targetOf(has.get('target')),
    detail: typeof detail === 'string' ? detail : null,
  };
};

const targetOf = (value: unknown): AuditEntry['target'] => {
  const target: Record<string, string | number | boolean> = {};
  if (typeof value !== 'object' || value === null) return target;
  for (const [name, one] of Object.entries(value)) {
    if (typeof one === 'string' || typeof one === 'number' || typeof one === 'boolean') target[name] = one;
  }
  return target;
};
