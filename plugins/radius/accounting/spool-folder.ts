import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GatewayError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Fleet } from '../../../core/ports/fleet.ts';
import type { Log } from '../../../core/ports/log.ts';
import { after } from '../../../core/time.ts';
import { readJournal } from './journal-file.ts';
import { type Recovered, SpoolReader } from './spool.ts';
import { SpoolLock } from './spool-lock.ts';

export interface SpoolFolderDeps {
  readonly clock: Clock;
  readonly fleet: Fleet;
  readonly log: Log;
}

const SPOOL_FILE = /^accounting-(\d+)\.spool$/;
const LOCK_TRIES = 50;
const LOCK_PAUSE_MS = 100;

const fileOf = (index: number): string => `accounting-${index}.spool`;

/** The folder with a spool for each worker, and the lock of our own. What cannot be done with it rejects with STATE_DIR. */
export class SpoolFolder {
  readonly path: string;
  private readonly deps: SpoolFolderDeps;
  private readonly ownLock = new SpoolLock();

  constructor(path: string, deps: SpoolFolderDeps) {
    this.path = path;
    this.deps = deps;
  }

  /** The spool of this worker. */
  get own(): string {
    return join(this.path, fileOf(this.deps.fleet.index));
  }

  async make(): Promise<void> {
    await this.guarded('made', mkdir(this.path, { recursive: true, mode: 0o700 }));
  }

  async lock(): Promise<void> {
    await this.make();
    if (await this.guarded('read', this.ownLock.take(this.own))) return;
    throw new GatewayError(
      'STATE_DIR',
      `Another gateway keeps its accounting records in ${this.path}: stop it, or give this one another PPTP_RADIUS_SPOOL_DIR.`,
    );
  }

  unlock(): Promise<void> {
    return this.ownLock.release();
  }

  /** After `unlock`, for another process that did not take over and may have the lock for a moment. Does not reject. */
  async lockAgain(): Promise<void> {
    const { clock, log } = this.deps;
    for (let tries = 0; tries < LOCK_TRIES && !this.ownLock.isTaken; tries += 1) {
      if (await this.ownLock.take(this.own).catch(() => false)) return;
      await new Promise<void>((resolve) => {
        clock.schedule(after(clock.now(), LOCK_PAUSE_MS), resolve);
      });
    }
    if (this.ownLock.isTaken) return;
    log.error(
      'radius.spool-unlocked',
      'Another process keeps the spool of accounting records: end it, and start the gateway again.',
      { path: this.own },
    );
  }

  /** Spools of workers that there are no more, for the first worker; one that lives yet has the next start for it. */
  async orphans(): Promise<readonly { readonly path: string; readonly lock: SpoolLock }[]> {
    const { fleet } = this.deps;
    if (fleet.index > 0 || fleet.restarted) return [];
    const names = await this.guarded('read', readdir(this.path));
    const found = [];
    for (const name of names.filter((one) => isOrphan(one, fleet.count))) {
      const lock = new SpoolLock();
      const path = join(this.path, name);
      if (await this.guarded('read', lock.take(path))) found.push({ path, lock });
    }
    return found;
  }

  async recover(path: string): Promise<Recovered> {
    const reader = new SpoolReader();
    await this.guarded(
      'read',
      readJournal(path, (piece) => reader.feed(piece)),
    );
    const recovered = reader.finish();
    if (recovered.damaged > 0) {
      this.deps.log.warn(
        'radius.spool-damaged',
        'Lines of the spool of accounting records were damaged and left out.',
        { path, lines: recovered.damaged },
      );
    }
    return recovered;
  }

  async guarded<T>(what: string, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new GatewayError(
        'STATE_DIR',
        `The folder ${this.path} for accounting records cannot be ${what} (${why}): make PPTP_RADIUS_SPOOL_DIR a folder that the gateway may write to.`,
        { cause },
      );
    }
  }
}

const isOrphan = (name: string, count: number): boolean => {
  const index = SPOOL_FILE.exec(name)?.[1];
  return index !== undefined && Number(index) >= count;
};
