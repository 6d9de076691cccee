import { readFileSync, statSync } from 'node:fs';
import type { Format } from './formats.ts';
import { parseNetwork } from './formats.ts';
import type { AccessConfig, Ipv4Network } from './types.ts';

/** "192.0.2.0/24", or one address. */
export const parseAccessNetwork = (text: string): Ipv4Network | undefined => {
  const network = parseNetwork(text.includes('/') ? text : `${text}/32`);
  return network === undefined ? undefined : { ...network, text };
};

export const accessNetwork: Format<string> = {
  expected: 'an IPv4 network such as 192.0.2.0/24 with its host bits zero, or an IPv4 address',
  parse: (value) => (typeof value === 'string' && parseAccessNetwork(value) !== undefined ? value : undefined),
};

const NAME = /^(none|[A-Za-z_0-9][A-Za-z0-9_.-]{0,31}(:[A-Za-z_0-9][A-Za-z0-9_.-]{0,31})?)$/;

export const runAsText: Format<string> = {
  expected: '`none`, the name or number of a user, or user:group',
  parse: (value) => {
    const text = typeof value === 'number' ? String(value) : value;
    return typeof text === 'string' && NAME.test(text) ? text : undefined;
  },
};

/** As many as routers of the Internet know today would fit; a file above it is another file. */
const MOST_OCTETS = 64 * 1024 * 1024;
const MOST_MISTAKES = 10;

export interface ReadAccess extends AccessConfig {
  /** Sentences, each beginning with the place in the file. */
  readonly mistakes: readonly string[];
}

/** Reads the file of PPTP_ACCESS_FILE. */
export const readAccess = (path: string): ReadAccess => {
  try {
    if (statSync(path).size > MOST_OCTETS) throw new Error('it is larger than 64 MiB');
    const { mistakes, ...lists } = parseAccess(readFileSync(path, 'utf8'));
    return { ...lists, mistakes: mistakes.map((mistake) => `${path}: ${mistake}`) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return { allow: [], deny: [], mistakes: [`${path} cannot be read: ${reason}`] };
  }
};

/** Lines `allow NETWORK` and `deny NETWORK`; what follows a `#` is a remark. */
export const parseAccess = (text: string): ReadAccess => {
  const lists: Record<'allow' | 'deny', Ipv4Network[]> = { allow: [], deny: [] };
  const mistakes: string[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    const words = line.replace(/#.*/, '').trim();
    if (words === '') continue;
    const [, list, named = ''] = /^(allow|deny)\s+(\S+)$/.exec(words) ?? [];
    const network = parseAccessNetwork(named);
    if ((list === 'allow' || list === 'deny') && network !== undefined) lists[list].push(network);
    else if (mistakes.length < MOST_MISTAKES) {
      mistakes.push(`line ${at + 1} must be \`allow\` or \`deny\` and ${accessNetwork.expected}.`);
    }
  }
  return { ...lists, mistakes };
};
