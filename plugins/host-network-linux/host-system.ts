import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { readFile, readlink } from 'node:fs/promises';
import { exclusively } from './host-lock.ts';

export interface Command {
  readonly program: 'ip' | 'nft';
  readonly args: readonly string[];
  /** Fed to the program's standard input. */
  readonly input?: string;
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The program is not installed. */
  readonly missing: boolean;
}

/** Everything the plug-in does to the host goes through here. */
export interface HostSystem {
  run(command: Command): Promise<CommandResult>;
  /** First line of a file of /proc, without the line end; undefined when it cannot be read. */
  read(path: string): Promise<string | undefined>;
  /** Target of a symbolic link of /proc; undefined when it cannot be read. */
  link(path: string): Promise<string | undefined>;
  /** Writes a file of /proc/sys. Rejects with the system's error. */
  write(path: string, value: string): Promise<void>;
  /** Does `work` while no other gateway of this network namespace changes the host; waits for its turn 15 s by default. */
  exclusively<T>(work: () => Promise<T>, patienceMs?: number): Promise<T>;
}

const TIMEOUT_MS = 10_000;
/** Debian keeps both programs where an ordinary user's PATH does not look. */
const PATH = `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/local/sbin:/usr/sbin:/sbin`;

/** Runs programs without a shell, in the C locale. */
export const linuxHost: HostSystem = {
  run: (command) =>
    new Promise((resolve) => {
      const options = { timeout: TIMEOUT_MS, env: { PATH, LC_ALL: 'C' }, maxBuffer: 16 * 1024 * 1024 };
      const child = execFile(command.program, [...command.args], options, (error, stdout, stderr) => {
        const missing = error !== null && error.code === 'ENOENT';
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, stdout, stderr: stderr || (error?.message ?? ''), missing });
      });
      // The program may end without reading its input.
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(command.input ?? '');
    }),

  read: async (path) => {
    try {
      return (await readFile(path, 'utf8')).split('\n')[0] ?? '';
    } catch {
      return undefined;
    }
  },

  link: (path) => readlink(path).catch(() => undefined),

  // On this thread: after PPTP_RUN_AS those that do file work for Node may not.
  write: (path, value) =>
    new Promise((resolve) => {
      writeFileSync(path, `${value}\n`);
      resolve();
    }),

  exclusively: (work, patienceMs) => exclusively(work, patienceMs),
};
