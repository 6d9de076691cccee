import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Netns, netnsUnavailable } from '../../support/netns.ts';
import { Children } from './children.ts';
import type { Outcome, Skipped } from './report.ts';

/** What a benchmark works with; all of it is gone when its work is done, or interrupted. */
export interface Bench {
  readonly children: Children;
  /** A folder. */
  readonly state: string;
  namespace(): Netns;
}

/** Does the work where namespaces can be made; says why not otherwise. */
export const withNamespaces = async (work: (bench: Bench) => Promise<Outcome>): Promise<Outcome | Skipped> => {
  const reason = netnsUnavailable();
  if (reason !== undefined) return { skipped: reason };
  const state = await mkdtemp(join(tmpdir(), 'pptp-bench-'));
  const children = new Children();
  const spaces: Netns[] = [];
  let made = 0;
  const namespace = (): Netns => {
    made += 1;
    const ns = new Netns(`n${made}`);
    spaces.push(ns);
    return ns;
  };
  const tidy = async (): Promise<void> => {
    await children.stop();
    for (const ns of spaces.splice(0)) ns.destroy();
    await rm(state, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void tidy().finally(() => process.exit(1)));
  }
  try {
    return await work({ children, state, namespace });
  } finally {
    await tidy();
  }
};
