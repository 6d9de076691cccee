import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { PATIENCE_MS } from '../../support/patience.ts';

/** One line of the gateway's output; `fields` when it is a JSON object. */
export interface LogLine {
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface GatewayCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment of the process. */
  readonly env: Readonly<Record<string, string>>;
  /** Tells the line after which the gateway is ready. */
  readonly ready: (line: LogLine) => boolean;
}

interface Watcher {
  readonly wants: (line: LogLine) => boolean;
  readonly found: (line: LogLine) => void;
}

/** A gateway that runs as a process of its own, seen through its log. */
export class GatewayProcess {
  /** Every line so far, standard output and standard error. */
  readonly lines: LogLine[] = [];
  /** Resolves when the process has ended and its last line was read. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #watchers = new Set<Watcher>();

  private constructor(command: GatewayCommand) {
    this.#child = spawn(command.program, command.args, { env: command.env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface({ input: stream }).on('line', (text) => this.#read(text));
    }
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => resolve({ code, signal }));
    });
    this.exited.catch(() => undefined); // every waiter sees it; alone it is no unhandled rejection
  }

  /** Starts the process and resolves when it says that it is ready; a process that ends before is an error. */
  static async start(command: GatewayCommand, timeoutMs = PATIENCE_MS): Promise<GatewayProcess> {
    const gateway = new GatewayProcess(command);
    try {
      await gateway.waitForLog(command.ready, timeoutMs);
    } catch (cause) {
      await gateway.stop('SIGKILL');
      throw new Error('the gateway did not become ready', { cause });
    }
    return gateway;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The first line, past or to come, that the predicate accepts; `since` skips lines already seen (`lines.length`). */
  waitForLog(wants: (line: LogLine) => boolean, timeoutMs = PATIENCE_MS, since = 0): Promise<LogLine> {
    const past = this.lines.slice(since).find(wants);
    if (past !== undefined) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#watchers.delete(watcher);
      };
      const fail = (why: string): void => {
        finish();
        reject(new Error(`${why}; its last lines:\n${this.tail()}`));
      };
      const watcher: Watcher = {
        wants,
        found: (line) => {
          finish();
          resolve(line);
        },
      };
      const timer = setTimeout(() => fail(`the gateway did not log it within ${timeoutMs} ms`), timeoutMs);
      this.#watchers.add(watcher);
      this.exited.then(
        ({ code, signal }) => fail(`the gateway ended (${signal ?? `status ${code}`})`),
        (error: unknown) => fail(`the gateway could not be started (${String(error)})`),
      );
    });
  }

  /** Sends the signal and waits for the end; a gateway that does not end in time is killed, which is an error. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', timeoutMs = PATIENCE_MS): Promise<Exit> {
    if (!this.running) return this.exited;
    this.#child.kill(signal);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#child.kill('SIGKILL');
    }, timeoutMs);
    const exit = await this.exited.finally(() => clearTimeout(timer));
    if (late)
      throw new Error(`the gateway did not end within ${timeoutMs} ms of ${signal}; its last lines:\n${this.tail()}`);
    return exit;
  }

  /** The last lines as text, for the message of a failed test. */
  tail(count = 40): string {
    return this.lines
      .slice(-count)
      .map((line) => line.text)
      .join('\n');
  }

  #read(text: string): void {
    const line: LogLine = { text, fields: parseFields(text) };
    this.lines.push(line);
    for (const watcher of [...this.#watchers]) if (watcher.wants(line)) watcher.found(line);
  }
}

function parseFields(text: string): Readonly<Record<string, unknown>> {
  if (!text.startsWith('{')) return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
