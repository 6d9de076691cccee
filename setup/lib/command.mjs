import { spawn } from 'node:child_process';
import { accessSync, constants as modes } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';

/** Debian keeps ip and nft where ordinary users do not look. */
const folders = () => [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];

export const isInstalled = (program) =>
  folders().some((folder) => {
    try {
      accessSync(join(folder, program), modes.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/**
 * Runs a program in the foreground. `stdout: 'stderr'` sends its output to our standard error, 'ignore' drops all output. Signals sent to us while
 * it runs reach it as well; after `timeoutMs` it gets SIGTERM. Resolves with its exit code (128 + n after a signal).
 */
export const runCommand = (program, args, { cwd, env, stdout = 'inherit', timeoutMs } = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['inherit', stdout === 'stderr' ? 2 : stdout, stdout === 'ignore' ? 'ignore' : 'inherit'],
    });
    const forward = (signal) => child.kill(signal);
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, forward);
    const late = timeoutMs === undefined ? undefined : setTimeout(() => child.kill('SIGTERM'), timeoutMs);
    const done = (settle) => (value) => {
      clearTimeout(late);
      for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, forward);
      settle(value);
    };
    child.on('error', done(reject));
    child.on('close', (code, signal) => done(resolve)(signal === null ? code : 128 + constants.signals[signal]));
  });
