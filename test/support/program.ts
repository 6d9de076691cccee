import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Netns } from './netns.ts';
import { PATIENCE_MS } from './patience.ts';

/** A process in a namespace, seen through its lines. */
export class Program {
  readonly lines: string[] = [];
  readonly child: ChildProcess;
  private readonly waiting = new Set<() => void>();

  constructor(ns: Netns, command: readonly string[], env: Readonly<Record<string, string>>, input = '') {
    const [program, args] = ns.inside(...command);
    this.child = spawn(program, [...args], { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdin?.end(input);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line);
        for (const look of [...this.waiting]) look();
      });
    }
  }

  /** The first line, past or to come, that the pattern fits. */
  says(pattern: RegExp, timeoutMs = PATIENCE_MS): Promise<string> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiting.delete(look);
      };
      const look = (): void => {
        const found = this.lines.find((line) => pattern.test(line));
        if (found === undefined) return;
        done();
        resolve(found);
      };
      const timer = setTimeout(() => {
        done();
        reject(new Error(`it did not say ${pattern} but\n${this.lines.join('\n')}`));
      }, timeoutMs);
      this.waiting.add(look);
      look();
    });
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** The exit status; -1 for a signal. */
  async end(signal?: NodeJS.Signals): Promise<number> {
    if (signal !== undefined && !this.ended) this.child.kill(signal);
    if (!this.ended) await once(this.child, 'close');
    return this.child.exitCode ?? -1;
  }
}
