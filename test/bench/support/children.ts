import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Netns } from '../../support/netns.ts';

/** Processes that a benchmark started in its namespaces; all are ended by their PID. */
export class Children {
  private readonly running = new Set<ChildProcess>();
  private stopping = false;

  /** As `startProgram`, for a program of Node. */
  start<T>(
    ns: Netns,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    wanted: (line: string) => T | undefined,
    timeoutMs?: number,
  ): Promise<{ readonly child: ChildProcess; readonly value: T }> {
    return this.startProgram(ns, [process.execPath, ...args], env, wanted, timeoutMs);
  }

  /** Starts a program and resolves with the first line that `wanted` makes something of. */
  async startProgram<T>(
    ns: Netns,
    command: readonly [string, ...string[]],
    env: Readonly<Record<string, string>>,
    wanted: (line: string) => T | undefined,
    timeoutMs = 15_000,
  ): Promise<{ readonly child: ChildProcess; readonly value: T }> {
    const [program, words] = ns.inside(...command);
    const name = command.slice(0, 2).join(' ');
    const child = spawn(program, words, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.running.add(child);
    const said: string[] = [];
    const value = await new Promise<T>((resolve, reject) => {
      const listen = (line: string): void => {
        said.push(line);
        const found = wanted(line);
        if (found !== undefined) resolve(found);
      };
      createInterface({ input: child.stdout }).on('line', listen);
      createInterface({ input: child.stderr }).on('line', listen);
      const late = setTimeout(() => reject(new Error(`${name} is not ready: ${said.join('\n')}`)), timeoutMs);
      child.once('close', (code) => {
        clearTimeout(late);
        this.running.delete(child);
        if (this.stopping) return;
        // A process that had long been ready: nobody waits for this promise any more.
        if (code !== 0) console.error(`${name} ended with status ${code}: ${said.slice(-10).join('\n')}`);
        reject(new Error(`${name} ended with status ${code}: ${said.join('\n')}`));
      });
      child.once('spawn', () => late.unref());
    });
    return { child, value };
  }

  async stop(): Promise<void> {
    this.stopping = true;
    const gone = [...this.running].map(
      (child) =>
        new Promise<void>((resolve) => {
          child.once('close', () => resolve());
          child.kill('SIGTERM');
          setTimeout(() => child.kill('SIGKILL'), 8_000).unref();
        }),
    );
    await Promise.all(gone);
  }
}

/** CPU time of a process with all its threads so far, in µs. */
export const cpuMicroseconds = (pid: number): number => {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  }
  return nanoseconds / 1000;
};

/** The processes that this one started, theirs, and so on. */
export const descendants = (pid: number): readonly number[] =>
  readdirSync(`/proc/${pid}/task`)
    .flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' '))
    .filter((word) => word !== '')
    .flatMap((word) => [Number(word), ...descendants(Number(word))]);

/** Packets that passed a device of a namespace, both ways. */
export const packetsOf = (ns: Netns, device: string): number => {
  const read = (name: string): number => Number(ns.run('cat', `/sys/class/net/${device}/statistics/${name}`));
  return read('rx_packets') + read('tx_packets');
};
