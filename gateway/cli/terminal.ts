import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { GatewayError } from '../../core/errors.ts';
import type { CliTerminal } from './password.ts';

/** Line editing writes what was typed to its output: give it one that forgets. */
const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });

const ask = (prompt: string): Promise<string> =>
  new Promise((resolve, reject) => {
    process.stderr.write(prompt);
    const lines = createInterface({ input: process.stdin, output: nowhere(), terminal: true });
    let answer: string | undefined;
    lines.on('line', (line) => {
      answer = line;
      lines.close();
    });
    lines.on('SIGINT', () => lines.close());
    lines.on('close', () => {
      process.stderr.write('\n');
      if (answer === undefined) reject(new GatewayError('USER_INVALID', 'no password was given; nothing was changed.'));
      else resolve(answer);
    });
  });

/** A reader that has seen enough ("| head") is no error. */
const tolerateClosedPipes = (): void => {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
};
tolerateClosedPipes();

/** The terminal this process was started from. */
export const processTerminal: CliTerminal = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  get interactive() {
    return process.stdin.isTTY === true;
  },
  ask,
  readInput: () => text(process.stdin),
};
