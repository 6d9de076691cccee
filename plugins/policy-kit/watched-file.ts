import { readFile, stat } from 'node:fs/promises';
import { parse as parseYaml } from 'yaml';
import { GatewayError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Say } from './reading.ts';

/** No file of rules is larger. */
const MOST_OCTETS = 16 * 1024 * 1024;
/** A look at the file is a system call in another thread: one a second serves all who ask. */
const LOOK_MS = 1000;
const MOST_MISTAKES = 10;

export interface WatchedFileOptions<T> {
  /** Of the plug-in, for logs. */
  readonly name: string;
  readonly path: string;
  /** Makes something of the parsed document; what is said is a mistake, and then the result is not used. */
  readonly read: (tree: unknown, say: Say) => T;
  readonly log: Log;
  readonly clock: Clock;
}

/**
 * A YAML or JSON file that is read again when it has changed. One with a mistake is refused at the start; later what was
 * known stays in force, and the log says why.
 */
export class WatchedFile<T> {
  private readonly options: WatchedFileOptions<T>;
  private known: { readonly value: T; readonly stamp: string } | undefined;
  /** Of a file that was refused: it is not looked at twice. */
  private refused: string | undefined;
  private lookedAt = Number.NEGATIVE_INFINITY;
  private looking: Promise<void> | undefined;

  constructor(options: WatchedFileOptions<T>) {
    this.options = options;
  }

  /** Reads it for the first time; rejects with CONFIG_FILE and what to correct. */
  async load(): Promise<T> {
    this.lookedAt = this.options.clock.now();
    const stamp = await this.stamp().catch((cause: unknown) => {
      throw this.failure(this.unreadable(cause), cause);
    });
    const value = await this.parse();
    if (typeof value === 'string') throw this.failure(value);
    this.known = { value: value.value, stamp };
    return value.value;
  }

  /** What was read last; undefined before `load`. */
  get latest(): T | undefined {
    return this.known?.value;
  }

  /** What holds now. */
  async current(): Promise<T> {
    if (this.known === undefined) return await this.load();
    const now = this.options.clock.now();
    if (this.looking === undefined && now - this.lookedAt >= LOOK_MS) {
      this.lookedAt = now;
      this.looking = this.look().finally(() => {
        this.looking = undefined;
      });
    }
    await this.looking;
    return this.known.value;
  }

  private async look(): Promise<void> {
    const { log, name, path } = this.options;
    let stamp = 'missing';
    let value: Awaited<ReturnType<WatchedFile<T>['parse']>>;
    try {
      stamp = await this.stamp();
      if (stamp === this.known?.stamp || stamp === this.refused) return;
      value = await this.parse();
      // Somebody writes it just now: what was read may be half of it.
      if ((await this.stamp()) !== stamp) return;
    } catch (cause) {
      if (this.refused === stamp) return;
      value = this.unreadable(cause);
    }
    if (typeof value === 'string') {
      this.refused = stamp;
      log.error('policy.file-refused', `The file ${path} of ${name} ${value} What it said before stays in force.`);
      return;
    }
    this.refused = undefined;
    this.known = { value: value.value, stamp };
    log.info('policy.file-read', `The file ${path} of ${name} has changed and is in force for new log-ins.`);
  }

  private async stamp(): Promise<string> {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(this.options.path, { bigint: true });
    if (size > BigInt(MOST_OCTETS)) throw new Error(`it is larger than ${MOST_OCTETS} octets`);
    return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
  }

  /** Text: what is wrong, as the rest of a sentence and more of them. */
  private async parse(): Promise<string | { readonly value: T }> {
    let tree: unknown;
    try {
      tree = parseYaml(await readFile(this.options.path, 'utf8'), { logLevel: 'error' });
    } catch (cause) {
      return this.unreadable(cause);
    }
    // What is cut before it is written again is no rules for a moment, and that is not what anybody meant.
    if (tree === null || tree === undefined) return 'is empty; write {} where nothing is to hold.';
    const mistakes: string[] = [];
    const value = this.options.read(tree, (mistake) => mistakes.push(mistake));
    if (mistakes.length === 0) return { value };
    const shown = mistakes.slice(0, MOST_MISTAKES).join(' ');
    return `has mistakes: ${shown}${mistakes.length > MOST_MISTAKES ? ' And more.' : ''}`;
  }

  private unreadable(cause: unknown): string {
    const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    return `cannot be read: ${why}.`;
  }

  private failure(what: string, cause?: unknown): GatewayError {
    const { name, path } = this.options;
    const message = `The file ${path} of ${name} ${what} Correct it, or leave ${name} out of PPTP_PLUGINS.`;
    return new GatewayError('CONFIG_FILE', message, cause === undefined ? {} : { cause });
  }
}
