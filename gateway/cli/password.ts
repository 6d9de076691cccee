import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { GatewayError } from '../../core/errors.ts';
import type { CliTerminal } from './terminal.ts';

/** No letters and digits that look alike. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const GROUPS = 4;
const GROUP_LENGTH = 4;

/** A password of about 93 bits that can be read aloud: "k7Fm-x2Pq-..." */
export const generatePassword = (): string => {
  const letter = (): string => ALPHABET.charAt(randomInt(ALPHABET.length));
  const group = (): string => Array.from({ length: GROUP_LENGTH }, letter).join('');
  return Array.from({ length: GROUPS }, group).join('-');
};

const oneLine = (text: string, from: string): string => {
  const password = text.replace(/\r?\n$/, '');
  if (password === '') throw new GatewayError('USER_INVALID', `the password from ${from} is empty.`);
  if (/[\r\n]/.test(password)) {
    throw new GatewayError('USER_INVALID', `the password from ${from} must be a single line.`);
  }
  return password;
};

const fromFile = async (path: string): Promise<string> => {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError('USER_INVALID', `the password file cannot be read: ${reason}`, { cause });
  }
  return oneLine(text, path);
};

const fromPerson = async (terminal: CliTerminal, name: string): Promise<string> => {
  const password = oneLine(await terminal.ask(`Password for ${name}: `), 'the terminal');
  if ((await terminal.ask('Once more: ')) !== password) {
    throw new GatewayError('USER_INVALID', 'the two passwords differ; nothing was changed.');
  }
  return password;
};

/** The password of an account that exists: asked for once. */
export const knownPassword = async (terminal: CliTerminal, name: string, file: string | undefined): Promise<string> => {
  if (file !== undefined) return fromFile(file);
  if (terminal.interactive) return oneLine(await terminal.ask(`Password for ${name}: `), 'the terminal');
  return oneLine(await terminal.readInput(), 'standard input');
};

/** A password is never an argument: arguments are visible to every user of the host. */
export const obtainPassword = async (
  terminal: CliTerminal,
  name: string,
  options: { readonly passwordFile?: string; readonly generate?: boolean },
): Promise<string> => {
  if (options.generate === true) return generatePassword();
  if (options.passwordFile !== undefined) return fromFile(options.passwordFile);
  if (terminal.interactive) return fromPerson(terminal, name);
  return oneLine(await terminal.readInput(), 'standard input');
};
