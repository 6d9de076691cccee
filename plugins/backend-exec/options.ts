import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { JSON_KINDS, type JsonKind } from '../../core/json/proof-json.ts';
import * as kinds from '../../core/ports/setting-kinds.ts';
import type { Settings } from '../../core/ports/settings.ts';

export interface ExecOptions {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly proofs: readonly JsonKind[];
  readonly processes: number;
  readonly perProcess: number;
  readonly queue: number;
  readonly timeoutSeconds: number;
  readonly traffic: boolean;
  readonly fixedAddresses: ReadonlySet<Ipv4>;
}

const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)=([^\0\r\n]*)$/;

const environment = (value: unknown): Readonly<Record<string, string>> | undefined => {
  const items = typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value;
  if (!Array.isArray(items) || items.length > 64) return undefined;
  const variables: [string, string][] = [];
  for (const item of items) {
    if (item === '') continue;
    const [, name, text] = (typeof item === 'string' && VARIABLE.exec(item)) || [];
    if (name === undefined || text === undefined) return undefined;
    variables.push([name, text]);
  }
  return Object.fromEntries(variables);
};

export const execSettings: Settings<ExecOptions> = {
  command: { kind: kinds.absolutePath, doc: 'The program that judges proofs.', live: true },
  arguments: { kind: kinds.list(kinds.text(4096)), doc: 'Its arguments. There is no shell.', default: [], live: true },
  environment: {
    kind: { expected: 'a list of NAME=value, separated by commas', parse: environment },
    doc: 'Its whole environment: nothing else is handed on.',
    default: {},
    secret: true,
    live: true,
  },
  folder: { kind: kinds.absolutePath, doc: 'Its working directory.', default: '/', live: true },
  uid: {
    kind: kinds.integer(0, 0xfffffffe),
    doc: 'The user that it runs as (a number).',
    default: undefined,
    live: true,
  },
  gid: {
    kind: kinds.integer(0, 0xfffffffe),
    doc: 'The group that it runs as (a number).',
    default: undefined,
    live: true,
  },
  proofs: {
    kind: kinds.list(kinds.oneOf(...JSON_KINDS), JSON_KINDS.length, 1),
    doc: 'Kinds of proof that the program is asked about.',
    default: ['ms-chap-v2'],
    live: true,
  },
  processes: {
    kind: kinds.integer(1, 64),
    doc: 'How many of it run (in each worker of the gateway).',
    default: 2,
    live: true,
  },
  perProcess: {
    kind: kinds.integer(1, 1000),
    doc: 'Questions that one of them may have at a time.',
    default: 16,
    live: true,
  },
  queue: { kind: kinds.integer(0, 10_000), doc: 'Questions that may wait for a free one.', default: 256, live: true },
  fixedAddresses: {
    kind: kinds.ipv4Set(),
    doc: 'Addresses that the program gives its users: nobody else is given them.',
    default: new Set(),
    live: true,
  },
  traffic: {
    kind: kinds.toggle,
    doc: 'Profiles of the program may have a rate, a quota or a filter: each packet passes the stages for them.',
    default: true,
  },
  timeoutSeconds: {
    kind: kinds.integer(1, 60, 'seconds'),
    doc: 'How long an answer may take; the process that owes one after that time is killed.',
    default: 5,
    live: true,
  },
};

export const checkExecOptions = ({ uid, gid }: ExecOptions): readonly string[] =>
  (uid === undefined) === (gid === undefined) ? [] : ['uid and gid go together'];
