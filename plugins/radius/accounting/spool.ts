import {
  type OpenSession,
  parseEntry,
  type RecordKind,
  type SpoolEntry,
  type SpoolRecord,
  writeEntry,
} from './spool-line.ts';

/** What is given up first when there is no room: a later record of the session says all that an interim says, and more. */
const GIVEN_UP_FIRST = ['interim', 'start', 'stop'] as const;

export interface SpoolOptions {
  /** Octets that records may take which wait, as lines of the file. */
  readonly limit: number;
  /** Takes a line for the file. */
  readonly append: (line: string) => void;
  /** There was no room for this record: nobody will get it. */
  readonly dropped: (record: SpoolRecord) => void;
}

/** What a file held. */
export interface Recovered {
  readonly records: readonly SpoolRecord[];
  /** Sessions that had no Stop yet. */
  readonly open: ReadonlyMap<string, OpenSession>;
  /** Lines that were damaged, a last one without its end among them. */
  readonly damaged: number;
}

const opens = (kind: RecordKind): boolean => kind === 'start' || kind === 'interim';

/** A block has 5500 octets at most, and a session's name a few. */
const LONGEST_LINE = 1 << 14;

/** Reads what a file holds, piece by piece. Total: any text. A damaged line costs what it said, and no other line. */
export class SpoolReader {
  private readonly records = new Map<number, SpoolRecord>();
  private readonly open = new Map<string, OpenSession>();
  private damaged = 0;
  /** What has come of a line; undefined: it is too long to be one. */
  private begun: string | undefined = '';

  feed(piece: string): void {
    const [first = '', ...lines] = piece.split('\n');
    this.begin(first);
    for (const line of lines) {
      this.end();
      this.begin(line);
    }
  }

  /** No more will come. */
  finish(): Recovered {
    if (this.begun !== '') this.damaged += 1;
    const records = [...this.records.values()].sort((a, b) => a.number - b.number);
    return { records, open: this.open, damaged: this.damaged };
  }

  private begin(text: string): void {
    const length = (this.begun?.length ?? LONGEST_LINE) + text.length;
    this.begun = this.begun === undefined || length > LONGEST_LINE ? undefined : this.begun + text;
  }

  private end(): void {
    const entry = this.begun === undefined ? undefined : parseEntry(this.begun);
    this.begun = '';
    if (entry === undefined) this.damaged += 1;
    else this.take(entry);
  }

  private take(entry: SpoolEntry): void {
    if (entry.kind === 'done') for (const number of entry.numbers) this.records.delete(number);
    else if (entry.kind === 'open') this.open.set(entry.session, entry.open);
    else if (entry.kind === 'closed') this.open.delete(entry.session);
    else {
      const { record } = entry;
      this.records.set(record.number, record);
      // What comes later in the file is newer; `at` is no measure, since the clock may have been set back.
      if (opens(record.kind)) this.open.set(record.session, { at: record.at, block: record.block });
      else if (record.kind === 'stop') this.open.delete(record.session);
    }
  }
}

/**
 * The records that no server has confirmed yet, and the sessions that are open; in memory, and as lines for a file. It is
 * bounded: interims are given up first, the oldest before the others, then Starts, and a Stop only when there is nothing
 * else.
 */
export class Spool {
  private readonly options: SpoolOptions;
  private readonly waiting = new Map<number, SpoolRecord>();
  /** Of those that may be given up, by kind, oldest first. */
  private readonly spare: Readonly<Record<(typeof GIVEN_UP_FIRST)[number], Set<number>>> = {
    interim: new Set(),
    start: new Set(),
    stop: new Set(),
  };
  private readonly sessions = new Map<string, OpenSession>();
  private used = 0;
  private next = 1;

  constructor(options: SpoolOptions) {
    this.options = options;
  }

  /** Records that wait for a server. */
  get size(): number {
    return this.waiting.size;
  }

  /** Octets of their lines. */
  get octets(): number {
    return this.used;
  }

  get open(): ReadonlyMap<string, OpenSession> {
    return this.sessions;
  }

  /** Goes on with what another process of the same run has left, as it was; to be called first. */
  adopt({ records, open }: Recovered): void {
    for (const record of records) {
      this.waiting.set(record.number, record);
      this.used += writeEntry({ kind: 'record', record }).length;
      this.next = Math.max(this.next, record.number + 1);
      this.put(record);
    }
    for (const [session, one] of open) this.sessions.set(session, one);
  }

  /** Undefined: there is no room for it, and nothing that would matter less. */
  add(kind: RecordKind, session: string, at: number, block: string): SpoolRecord | undefined {
    const record: SpoolRecord = { number: this.next, kind, session, at, block };
    this.next += 1;
    if (opens(kind)) this.sessions.set(session, { at, block });
    else if (kind === 'stop') this.sessions.delete(session);
    const entry = writeEntry({ kind: 'record', record });
    if (!this.makeRoom(record, entry.length)) {
      this.options.dropped(record);
      this.remember(record);
      return undefined;
    }
    this.options.append(entry);
    this.waiting.set(record.number, record);
    this.used += entry.length;
    this.put(record);
    return record;
  }

  /** Has it been given up meanwhile? */
  has(record: SpoolRecord): boolean {
    return this.waiting.has(record.number);
  }

  /** It is on its way: not to be given up. */
  take(record: SpoolRecord): void {
    this.spareOf(record)?.delete(record.number);
  }

  /** Nobody has confirmed it; it may be given up again. */
  put(record: SpoolRecord): void {
    if (this.has(record)) this.spareOf(record)?.add(record.number);
  }

  /** A server has it. */
  done(record: SpoolRecord): void {
    this.remove(record);
  }

  /**
   * All of it as lines for a new file. They are made one after the other, of what is there now; sessions come last, since
   * they know more than records that wait.
   */
  snapshot(): Iterable<string> {
    const open = [...this.sessions];
    const records = [...this.waiting.values()];
    return (function* (): Iterable<string> {
      for (const record of records) yield writeEntry({ kind: 'record', record });
      for (const [session, one] of open) yield writeEntry({ kind: 'open', session, open: one });
    })();
  }

  private makeRoom(record: SpoolRecord, length: number): boolean {
    // What concerns the whole gateway is one line, and never in the way.
    if (record.session === '') return true;
    while (this.used + length > this.options.limit) {
      const kind = GIVEN_UP_FIRST.find((one) => this.spare[one].size > 0 || one === record.kind);
      const [oldest] = kind === undefined ? [] : this.spare[kind];
      const victim = oldest === undefined ? undefined : this.waiting.get(oldest);
      if (victim === undefined) return false;
      this.remove(victim);
      this.options.dropped(victim);
    }
    return true;
  }

  /** The record itself is not kept, but what it says of its session is. */
  private remember({ kind, session, at, block }: SpoolRecord): void {
    if (opens(kind)) this.options.append(writeEntry({ kind: 'open', session, open: { at, block } }));
    else this.options.append(writeEntry({ kind: 'closed', session }));
  }

  private remove(record: SpoolRecord): void {
    if (!this.waiting.delete(record.number)) return;
    this.spareOf(record)?.delete(record.number);
    this.used -= writeEntry({ kind: 'record', record }).length;
    this.options.append(writeEntry({ kind: 'done', numbers: [record.number] }));
  }

  private spareOf({ kind }: SpoolRecord): Set<number> | undefined {
    return kind === 'on' || kind === 'off' ? undefined : this.spare[kind];
  }
}
