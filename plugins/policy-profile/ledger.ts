import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { aCount, aRecord, aText, oneOfState, someOf } from '../../core/bytes/state.ts';
import { GatewayError } from '../../core/errors.ts';
import { foldName } from '../policy-kit/names.ts';

export interface Used {
  readonly day: number;
  readonly month: number;
}

/** What one worker has seen: octets of each user in one day and one month. */
interface Page {
  day: string;
  month: string;
  readonly users: Map<string, { day: number; month: number }>;
}

const octets = aCount(0, Number.MAX_SAFE_INTEGER);
const readState = aRecord({
  version: oneOfState(1),
  folder: aText(4096),
  day: aText(32),
  month: aText(32),
  users: someOf(aRecord({ name: aText(1024), day: octets, month: octets }), 10_000_000),
});

const FILE = /^usage-\d+\.json$/;
const NOTHING: Used = { day: 0, month: 0 };

/**
 * How much users have moved in this day and this month. Each worker writes a file of its own, in one step, and reads those of
 * the others: nothing is written by two, and a crash loses what ran in the worker that crashed.
 */
export class UsageLedger {
  private readonly folder: string;
  private readonly file: string;
  private readonly periods: Intl.DateTimeFormat;
  private page: Page = { day: '', month: '', users: new Map() };
  private writing: Promise<void> = Promise.resolve();
  private next: Promise<void> | undefined;

  /** `index` is that of the worker. Days begin in this time zone. */
  constructor(folder: string, index: number, timeZone: string) {
    this.folder = folder;
    this.file = `usage-${index}.json`;
    this.periods = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  }

  /** Reads what is known from before. Rejects with STATE_DIR. */
  async load(): Promise<void> {
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      this.page = await this.read(this.file);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `The folder ${this.folder} of policy-profile cannot be used: ${why}. Set PPTP_POLICY_PROFILE_USAGE_FOLDER to one that the gateway may write to.`;
      throw new GatewayError('STATE_DIR', message, { cause });
    }
  }

  /** `at` in ms since 1970. Resolves when it is on disk. */
  add(identity: string, octets: number, at: number): Promise<void> {
    this.turn(at);
    const user = foldName(identity);
    const { day, month } = this.page.users.get(user) ?? NOTHING;
    this.page.users.set(user, { day: day + octets, month: month + octets });
    // Those that come while one write runs share the next.
    this.next ??= this.writing
      .catch(() => undefined)
      .then(() => {
        this.next = undefined;
        return this.write();
      });
    this.writing = this.next;
    return this.next;
  }

  /** Resolves when what was added so far is on disk, or cannot be written. */
  async settled(): Promise<void> {
    await this.writing.catch(() => undefined);
  }

  /** What there is, for another process, as plain data; nothing is written behind it. */
  async release(): Promise<object> {
    await this.settled();
    const { day, month, users } = this.page;
    return {
      version: 1,
      folder: this.folder,
      day,
      month,
      users: [...users].map(([name, used]) => ({ name, ...used })),
    };
  }

  /** What the process before has seen since this one has read the file. Rejects where it is not what `release` gives. */
  async takeOver(given: unknown): Promise<void> {
    // It had none, or this one keeps it elsewhere, as after a restart.
    if (given === undefined) return;
    const read = readState(given)?.value;
    if (read === undefined) throw new Error('what it was given cannot be read');
    if (read.folder !== this.folder) return;
    const { day, month, users } = read;
    this.page = { day, month, users: new Map(users.map(({ name, ...used }) => [name, used])) };
  }

  /** Of all workers. */
  async used(identity: string, at: number): Promise<Used> {
    const today = this.periods.format(at);
    const now = monthOf(today);
    const names = (await readdir(this.folder)).filter((name) => FILE.test(name) && name !== this.file);
    const pages = [this.page, ...(await Promise.all(names.map((name) => this.read(name))))];
    let [day, month] = [0, 0];
    for (const page of pages) {
      const used = page.users.get(foldName(identity)) ?? NOTHING;
      if (page.day === today) day += used.day;
      if (page.month === now) month += used.month;
    }
    return { day, month };
  }

  /** Another day: what was counted for the last one is over. */
  private turn(at: number): void {
    const day = this.periods.format(at);
    const month = monthOf(day);
    if (this.page.day === day) return;
    const users = this.page.month === month ? this.page.users : new Map<string, { day: number; month: number }>();
    this.page = { day, month, users: new Map([...users].map(([name, used]) => [name, { ...used, day: 0 }])) };
  }

  private async write(): Promise<void> {
    const { day, month, users } = this.page;
    const temporary = join(this.folder, `.${this.file}.${randomBytes(4).toString('hex')}`);
    await writeFile(temporary, JSON.stringify({ day, month, users: Object.fromEntries(users) }), {
      mode: 0o600,
      flush: true,
    });
    await rename(temporary, join(this.folder, this.file));
  }

  /** A file that is not there, or is none of ours, says nothing. */
  private async read(name: string): Promise<Page> {
    const empty: Page = { day: '', month: '', users: new Map() };
    let text: string;
    try {
      text = await readFile(join(this.folder, name), 'utf8');
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return empty;
      throw cause;
    }
    return pageOf(text) ?? empty;
  }
}

const monthOf = (day: string): string => day.slice(0, 7);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const pageOf = (text: string): Page | undefined => {
  let tree: unknown;
  try {
    tree = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(tree) || !isRecord(tree['users'])) return undefined;
  const users = new Map<string, { day: number; month: number }>();
  for (const [name, used] of Object.entries(tree['users'])) {
    if (!isRecord(used)) continue;
    const [day, month] = [used['day'], used['month']];
    if (typeof day === 'number' && typeof month === 'number') users.set(name, { day, month });
  }
  return { day: String(tree['day']), month: String(tree['month']), users };
};
