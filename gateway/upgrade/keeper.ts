import type { Readable } from 'node:stream';
import type { Log } from '../../core/ports/log.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'] as const;
const FAILED = 1;
const MOST_LINE = 256;

/**
 * What is left of the first process after an upgrade, where the process that started it looks at this one alone (npm, a
 * container): it passes signals on to who serves, and ends when that ends, with the same code.
 */
export const keepWatch = (first: number, lifeLine: Readable, log: Log): Promise<number> => {
  let pid = first;
  let code = FAILED;
  let rest = '';
  const heard = (line: string): void => {
    const [, word, number] = /^(pid|exit) (\d{1,10})$/.exec(line) ?? [];
    if (word === 'pid') pid = Number(number);
    if (word === 'exit') code = Number(number);
  };
  for (const signal of SIGNALS) {
    process.removeAllListeners(signal);
    process.on(signal, () => {
      try {
        process.kill(pid, signal);
      } catch {
        // It ends just now.
      }
    });
  }
  log.info('upgrade.keeps-watch', 'this process waits for the one that serves now, and passes signals on', { pid });
  return new Promise((resolve) => {
    lifeLine.setEncoding('utf8');
    lifeLine.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = (lines.pop() ?? '').slice(-MOST_LINE);
      for (const line of lines) heard(line);
    });
    const over = (): void => resolve(code);
    lifeLine.on('error', over);
    lifeLine.on('close', over);
    lifeLine.on('end', over);
  });
};
