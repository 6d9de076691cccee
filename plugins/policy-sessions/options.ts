import * as kinds from '../../core/ports/setting-kinds.ts';
import type { SettingKind, Settings } from '../../core/ports/settings.ts';
import { foldName } from '../policy-kit/names.ts';

export interface PolicySessionsOptions {
  /** Sessions that one user may have at a time. */
  readonly limit: number;
  readonly onLimit: 'refuse' | 'replace';
  /** Limits of single users, by name without case. */
  readonly users: ReadonlyMap<string, number>;
}

const MOST = 10_000;

const limits: SettingKind<ReadonlyMap<string, number>> = {
  expected: 'names with numbers, such as alice=3,bob=1',
  parse: (value) => {
    const pairs = typeof value === 'string' ? value.split(',').map((pair) => pair.trim()) : pairsOf(value);
    const users = new Map<string, number>();
    for (const pair of pairs ?? []) {
      const [, name, number] = /^(.+)=(\d{1,5})$/.exec(pair) ?? [];
      if (pair === '') continue;
      if (name === undefined || Number(number) > MOST) return undefined;
      users.set(foldName(name.trim()), Number(number));
    }
    return pairs === undefined ? undefined : users;
  },
};

const pairsOf = (value: unknown): string[] | undefined =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).map(([name, number]) => `${name}=${String(number)}`)
    : undefined;

export const settings: Settings<PolicySessionsOptions> = {
  limit: {
    kind: kinds.integer(1, MOST, 'sessions'),
    default: 1,
    live: true,
    doc: 'Sessions that one user may have at a time, in all workers together.',
  },
  onLimit: {
    kind: kinds.oneOf('refuse', 'replace'),
    default: 'refuse',
    live: true,
    doc: '`refuse` keeps those that are up and refuses the new one; `replace` ends the oldest one.',
  },
  users: {
    kind: limits,
    default: new Map(),
    live: true,
    doc: 'Other limits for single users, such as alice=3,bob=2; 0 lets one not in at all.',
  },
};
