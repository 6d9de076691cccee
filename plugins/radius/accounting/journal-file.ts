import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Log } from '../../../core/ports/log.ts';
import { after } from '../../../core/time.ts';

export interface JournalOptions {
  readonly path: string;
  /** All lines that a new file needs. */
  readonly snapshot: () => Iterable<string>;
  readonly clock: Clock;
  readonly log: Log;
  /** The file may outgrow what it was at its last writing by so many octets; then it is written anew. */
  readonly slack?: number;
  /** Octets that may wait while the disk does nothing; beyond that the file is written anew when it works again. */
  readonly mostWaiting?: number;
}

const SLACK = 4 << 20;
const MOST_WAITING = 8 << 20;
const RETRY_MS = 5_000;
/** Octets of one write, and of one reading. */
const PIECE = 1 << 20;

/** Gives the text of a file piece by piece; none without a file. Rejects when it cannot be read. */
export const readJournal = async (path: string, take: (piece: string) => void): Promise<void> => {
  try {
    const file = await open(path, 'r');
    for await (const piece of file.createReadStream({ encoding: 'utf8', highWaterMark: PIECE })) take(String(piece));
  } catch (cause) {
    if (!(cause instanceof Error && Reflect.get(cause, 'code') === 'ENOENT')) throw cause;
  }
};

/**
 * A file of lines that only grows, and is written anew from a snapshot when it has grown too much. Lines that come while
 * the disk is busy are written together, and each such write is followed by fdatasync: what is lost with the power are
 * the lines of the write that was under way, and what is lost with the process those that came meanwhile. A new file takes
 * the place of the old one by rename; until then lines go to the old one, too, so there is always one that is whole.
 */
export class JournalFile {
  private readonly options: JournalOptions;
  private file: FileHandle | undefined;
  private waiting: string[] = [];
  private waitingOctets = 0;
  private size = 0;
  private limit = 0;
  /** The file lacks something, or has grown too much. */
  private stale = true;
  private working: Promise<void> | undefined;
  private failed = false;
  private closed = false;
  private begun = false;
  private suspended = false;
  private cancelRetry: (() => void) | undefined;

  constructor(options: JournalOptions) {
    this.options = options;
  }

  /** Writes the first file. Rejects when that is not possible. */
  async start(): Promise<void> {
    await this.writeAnew();
    this.begun = true;
  }

  append(line: string): void {
    if (this.closed) return;
    this.waitingOctets += line.length;
    if (this.waitingOctets > (this.options.mostWaiting ?? MOST_WAITING)) this.startOver();
    else this.waiting.push(line);
    this.work();
  }

  /** Resolves when all that was appended is on the disk, or cannot be written for now. */
  async settled(): Promise<void> {
    while (this.working !== undefined) await this.working;
  }

  /** Leaves the file to another process when all is in it that was appended. Rejects where it cannot be written. */
  async suspend(): Promise<void> {
    await this.settled();
    if (this.isBehind) throw new Error(`${this.options.path} cannot be written`);
    this.suspended = true;
    await this.file?.close();
    this.file = undefined;
  }

  /** The file is this one's again, and is written anew, with what was appended meanwhile. */
  resume(): void {
    this.suspended = false;
    this.stale = true;
    this.work();
  }

  async close(): Promise<void> {
    await this.settled();
    this.closed = true;
    this.cancelRetry?.();
    await this.file?.close();
    this.file = undefined;
  }

  /** `start` has written it, and nobody else does. */
  private get isOurs(): boolean {
    return this.begun && !this.suspended && !this.closed;
  }

  /** Forgets the lines: the snapshot says what they say. */
  private startOver(): void {
    this.stale = true;
    this.waiting = [];
    this.waitingOctets = 0;
  }

  private get isBehind(): boolean {
    return this.stale || this.waiting.length > 0 || this.size > this.limit;
  }

  private work(): void {
    if (this.working !== undefined || this.cancelRetry !== undefined || !this.isOurs) return;
    this.working = this.writeAll().finally(() => {
      this.working = undefined;
      if (this.isBehind) this.work();
    });
  }

  private async writeAll(): Promise<void> {
    // What else this turn appends goes into the same write.
    await Promise.resolve();
    try {
      while (this.isBehind) {
        if (this.stale || this.waiting.length === 0) await this.writeAnew();
        else await this.writeWaiting();
      }
      this.recovered();
    } catch (cause) {
      this.startOver();
      this.complain(cause);
      this.cancelRetry = this.options.clock.schedule(after(this.options.clock.now(), RETRY_MS), () => {
        this.cancelRetry = undefined;
        this.work();
      });
    }
  }

  /** What it wrote. */
  private async writeWaiting(): Promise<string> {
    const text = this.waiting.join('');
    this.waiting = [];
    this.waitingOctets = 0;
    if (text === '') return text;
    await this.file?.appendFile(text, 'utf8');
    await this.file?.datasync();
    this.size += text.length;
    return text;
  }

  private async writeAnew(): Promise<void> {
    const { path, snapshot, slack = SLACK } = this.options;
    const whole = this.stale ? undefined : new Meanwhile(this.options.mostWaiting ?? MOST_WAITING);
    // Of this moment: what is appended from now on comes behind it.
    const lines = snapshot();
    this.startOver();
    this.stale = false;
    const draft = `${path}.new`;
    const file = await open(draft, 'w', 0o600);
    try {
      let size = 0;
      for (const piece of pieces(lines)) {
        await file.appendFile(piece, 'utf8');
        await file.datasync();
        size += piece.length;
        if (whole?.hasRoom === true && !this.stale) whole.add(await this.writeWaiting());
      }
      const rest = whole?.text ?? '';
      await file.appendFile(rest, 'utf8');
      await file.datasync();
      await rename(draft, path);
      await syncFolder(dirname(path));
      await this.file?.close();
      this.file = file;
      this.size = size + rest.length;
      this.limit = 2 * this.size + slack;
    } catch (cause) {
      this.stale = true;
      if (this.file !== file) {
        await file.close();
        await unlink(draft).catch(() => undefined);
      }
      throw cause;
    }
  }

  private complain(cause: unknown): void {
    if (this.failed) return;
    this.failed = true;
    const { log, path } = this.options;
    const why = cause instanceof Error ? cause.message : String(cause);
    log.error(
      'radius.spool-unwritable',
      `The spool of accounting records cannot be written (${why}). Records are kept in memory until it can be; a crash now would lose them.`,
      { path },
    );
  }

  private recovered(): void {
    if (!this.failed) return;
    this.failed = false;
    this.options.log.info('radius.spool-written', 'The spool of accounting records is written again.', {
      path: this.options.path,
    });
  }
}

/** Lines that an old file was given while the new one was made, which needs them, too. */
class Meanwhile {
  private readonly texts: string[] = [];
  private room: number;

  constructor(room: number) {
    this.room = room;
  }

  get hasRoom(): boolean {
    return this.room > 0;
  }

  get text(): string {
    return this.texts.join('');
  }

  add(text: string): void {
    this.texts.push(text);
    this.room -= text.length;
  }
}

function* pieces(lines: Iterable<string>): Iterable<string> {
  let piece: string[] = [];
  let size = 0;
  for (const line of lines) {
    piece.push(line);
    size += line.length;
    if (size < PIECE) continue;
    yield piece.join('');
    piece = [];
    size = 0;
  }
  if (piece.length > 0) yield piece.join('');
}

/** A rename is on the disk when its folder is. */
const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};
