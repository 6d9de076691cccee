import { type ChildProcess, spawn } from 'node:child_process';
import { type JsonObject, parseJson } from '../../core/json/read.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { after } from '../../core/time.ts';
import { ExecFault } from './fault.ts';
import { Lines } from './lines.ts';
import type { ExecOptions } from './options.ts';

/** An answer holds a profile at the most. */
const MOST_OCTETS = 64 * 1024;
/** For what an ended process wrote last, while others hold its output open. */
const LAST_WORDS_MS = 1_000;
const OVERLONG = `it wrote a line of more than ${MOST_OCTETS} octets`;

export interface WorkerEvents {
  /** Has room for a question that it did not have. */
  free(): void;
  /** The process has ended, or never began; `why` is for the log. */
  ended(why: string): void;
  said(octets: Uint8Array): void;
}

interface Pending {
  readonly settle: (outcome: { readonly value: unknown } | ExecFault) => void;
  readonly forget: () => void;
}

/** One process of the program, and the questions that it has. */
export class Worker {
  private readonly options: ExecOptions;
  private readonly clock: Clock;
  private readonly events: WorkerEvents;
  /** Undefined where Node threw instead of starting it. */
  private readonly child: ChildProcess | undefined;
  private readonly pending = new Map<number, Pending>();
  private readonly lines = new Lines(MOST_OCTETS);
  private next = 1;
  private fault = '';
  private exited = false;
  private over = false;
  private forgetExit = (): void => undefined;

  constructor(options: ExecOptions, clock: Clock, events: WorkerEvents) {
    this.options = options;
    this.clock = clock;
    this.events = events;
    this.child = this.spawn();
  }

  private spawn(): ChildProcess | undefined {
    const { command, environment, folder, uid, gid } = this.options;
    let child: ChildProcess;
    try {
      child = spawn(command, [...this.options.arguments], {
        cwd: folder,
        env: environment,
        shell: false,
        stdio: ['pipe', 'pipe', 'pipe'],
        // A group of its own: signals for the gateway are not for it, and its children end with it.
        detached: true,
        ...(uid === undefined ? {} : { uid }),
        ...(gid === undefined ? {} : { gid }),
      });
    } catch (cause) {
      // Some errors are thrown and not told by `error`: no memory, a program that somebody is writing just now.
      queueMicrotask(() => this.end(`it cannot be started: ${codeOf(cause)}`));
      return undefined;
    }
    const { stdin, stdout, stderr } = child;
    child.once('error', (cause) => this.end(`it cannot be started: ${codeOf(cause)}`));
    child.once('exit', () => this.exit(child));
    child.once('close', (code, signal) => this.end(this.fault || `it ended (${signal ?? `status ${code}`})`));
    // Who has ended reads nothing; that is told by `close`.
    stdin?.on('error', () => undefined);
    stdout?.on('data', (octets: Uint8Array) => this.read(octets));
    stderr?.on('data', (octets: Uint8Array) => this.events.said(octets));
    return child;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  get room(): number {
    const gone = this.pid === undefined || this.exited || this.over;
    return gone || this.fault !== '' ? 0 : this.options.perProcess - this.pending.size;
  }

  /** The answer, without its id. Rejects with an `ExecFault`. */
  ask(question: JsonObject): Promise<unknown> {
    const id = this.next;
    this.next += 1;
    return new Promise((resolve, reject) => {
      const { clock, options } = this;
      const forget = clock.schedule(after(clock.now(), options.timeoutSeconds * 1000), () => this.late(id));
      const settle = (outcome: { readonly value: unknown } | ExecFault): void => {
        if (outcome instanceof ExecFault) reject(outcome);
        else resolve(outcome.value);
      };
      this.pending.set(id, { settle, forget });
      this.child?.stdin?.write(`${JSON.stringify({ ...question, id })}\n`);
    });
  }

  /** No more questions; a program that ends at the end of its input does so now. */
  close(): void {
    this.child?.stdin?.end();
  }

  /** With all that it has started. */
  kill(why: string): void {
    if (this.fault === '') this.fault = why;
    // The number of one that has ended may be somebody else's by now.
    if (!this.over && !this.exited) this.killGroup();
  }

  /** What it leaves behind may hold its output open, and `close` would not come. */
  private exit({ stdout, stderr }: ChildProcess): void {
    this.exited = true;
    this.killGroup();
    this.forgetExit = this.clock.schedule(after(this.clock.now(), LAST_WORDS_MS), () => {
      stdout?.destroy();
      stderr?.destroy();
    });
  }

  private killGroup(): void {
    const { pid } = this;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Nobody of it is left.
    }
  }

  private late(id: number): void {
    const { timeoutSeconds } = this.options;
    // First of all, so that the room that comes free is given to nobody.
    this.kill(`it took more than ${timeoutSeconds} seconds to answer`);
    this.finish(id, new ExecFault('EXEC_TIMEOUT', `the program took more than ${timeoutSeconds} seconds`));
  }

  private read(octets: Uint8Array): void {
    for (const line of this.lines.push(octets)) this.answer(line);
    if (this.lines.overlong) this.kill(OVERLONG);
  }

  private answer(line: string | undefined): void {
    if (this.fault !== '') return;
    if (line === undefined) {
      this.kill(OVERLONG);
      return;
    }
    const read = parseJson(line);
    const value = read.ok ? read.value : undefined;
    if (typeof value !== 'object' || value === null || !('id' in value) || !this.wasAsked(value.id)) {
      // Who is out of step may give one user's answer to another.
      this.kill('it wrote a line that is no answer (a JSON object with the id of a question)');
      return;
    }
    const { id, ...answer } = value;
    this.finish(Number(id), { value: answer });
  }

  /** Also long ago: what was given up may be answered late. */
  private wasAsked(id: unknown): boolean {
    return typeof id === 'number' && Number.isInteger(id) && id >= 1 && id < this.next;
  }

  private finish(id: number, outcome: { readonly value: unknown } | ExecFault): void {
    const one = this.pending.get(id);
    if (one === undefined) return;
    this.pending.delete(id);
    one.forget();
    one.settle(outcome);
    if (this.room > 0) this.events.free();
  }

  private end(why: string): void {
    if (this.over) return;
    this.over = true;
    this.forgetExit();
    for (const { settle, forget } of this.pending.values()) {
      forget();
      settle(new ExecFault('EXEC_DOWN', 'the program ended before it answered'));
    }
    this.pending.clear();
    this.events.ended(why);
  }
}

const codeOf = (cause: unknown): string => {
  const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined;
  return typeof code === 'string' ? code : 'no reason given';
};
