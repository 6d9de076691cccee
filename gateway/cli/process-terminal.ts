import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { GatewayError } from '../../core/errors.ts';
import { Interrupted } from './exit.ts';
import type { CliTerminal, Screen } from './terminal.ts';

/** Line editing writes what was typed to its output: give it one that forgets. */
const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });

/** A line that a person types; undefined when there is no more input. Rejects with `Interrupted` at Ctrl-C. */
const typedLine = (prompt: string, output: NodeJS.WritableStream): Promise<string | undefined> =>
  new Promise((resolve, reject) => {
    process.stderr.write(prompt);
    const lines = createInterface({ input: process.stdin, output, terminal: true });
    let answer: string | undefined;
    lines.on('line', (line) => {
      answer = line;
      lines.close();
    });
    lines.on('SIGINT', () => {
      process.stderr.write('\n');
      reject(new Interrupted());
      lines.close();
    });
    lines.on('close', () => resolve(answer));
  });

const ask = async (prompt: string): Promise<string> => {
  const answer = await typedLine(prompt, nowhere());
  process.stderr.write('\n');
  if (answer === undefined) throw new GatewayError('USER_INVALID', 'no password was given; nothing was changed.');
  return answer;
};

const confirm = async (question: string): Promise<boolean> => {
  const answer = await typedLine(`${question} [y/N] `, process.stderr);
  if (answer === undefined) {
    process.stderr.write('\n');
    throw new Interrupted();
  }
  return /^y(es)?$/i.test(answer.trim());
};

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A reader that has gone ("| head") has had enough, too. */
const onInterrupt = (handler: () => void): (() => void) => {
  for (const signal of SIGNALS) process.on(signal, handler);
  process.stdout.on('error', handler);
  return () => {
    process.stdout.removeListener('error', handler);
    for (const signal of SIGNALS) process.removeListener(signal, handler);
  };
};

const screen: Screen = {
  get columns() {
    return process.stdout.columns ?? 80;
  },
  get rows() {
    return process.stdout.rows ?? 24;
  },
  colour: (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb',
  write: (drawn) => void process.stdout.write(drawn),
  attach: ({ key, resized }) => {
    const { stdin, stdout } = process;
    const typed = (keys: string): void => key(keys);
    stdin.setRawMode(true);
    stdin.setEncoding('utf8');
    stdin.on('data', typed);
    stdin.resume();
    stdout.on('resize', resized);
    return () => {
      stdout.removeListener('resize', resized);
      stdin.removeListener('data', typed);
      stdin.setRawMode(false);
      stdin.pause();
    };
  },
};

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
  confirm,
  readInput: () => text(process.stdin),
  get screen() {
    return process.stdin.isTTY === true && process.stdout.isTTY === true ? screen : undefined;
  },
  get progress() {
    if (process.stderr.isTTY !== true) return undefined;
    return (line: string) => void process.stderr.write(`\r${line}\u001b[K`);
  },
  onInterrupt,
};
