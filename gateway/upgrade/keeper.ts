import type { Readable } from 'node:stream';
import { isatty } from 'node:tty';
import type { Log } from '../../core/ports/log.ts';
import { lostTerminal } from '../life/lost-terminal.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'] as const;
const FAILED = 1;
const MOST_LINE = 256;

/** From now on this process passes signals on to the one that serves. */
export const passSignals = (pid: () => number, onTerminal = isatty(0)): void => {
  const giveUpTerminal = lostTerminal();
  for (const signal of SIGNALS) {
    const before = process.rawListeners(signal);
    // Its terminal is gone, of which the other one knows nothing: this ends a gateway.
    const isHangUp = signal === 'SIGHUP' && onTerminal;
    process.on(signal, () => {
      if (isHangUp) giveUpTerminal();
      try {
        process.kill(pid(), isHangUp ? 'SIGTERM' : signal);
      } catch {
        // It ends just now.
      }
    });
    // Not before there is another: without any the signal would end this process.
    for (const one of before) process.removeListener(signal, one as () => void);
  }
};

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
  passSignals(() => pid);
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
