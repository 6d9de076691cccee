import type { LockLine, PluginLine } from '../../../admin/api/operations.ts';
import type { LocksQuery } from '../../../admin/routes/locks.ts';
import { CLEAR_LOCKS, LOCKS, PLUGINS } from '../../../admin/specs/operations.ts';
import { everyWorker, type ViewRoute } from '../view-route.ts';

/** Workers tell each other of their locks, so that most know the same ones; the longest counts. */
const allLocks = (lines: readonly LockLine[]): readonly LockLine[] => {
  const known = new Map<string, LockLine>();
  for (const line of lines) {
    const key = JSON.stringify([line.what, line.user, line.source]);
    const before = known.get(key);
    if (before === undefined || before.until < line.until) known.set(key, line);
  }
  return [...known.values()];
};

export const operationViews: readonly ViewRoute[] = [
  // All workers are given the same ones.
  everyWorker<{ readonly plugins: readonly PluginLine[] }>(PLUGINS, ([part]) => ({
    plugins: part?.body.plugins ?? [],
  })),
  everyWorker<{ readonly locks: readonly LockLine[] }>(LOCKS, (parts) => ({
    locks: allLocks(parts.flatMap(({ body }) => body.locks)),
  })),
  // Each ends them in all, so that one that was asked late may have found none.
  everyWorker<{ readonly cleared: number }>(CLEAR_LOCKS, (parts, _deps, request) => {
    const { user, source } = request.query as LocksQuery;
    request.audited = { ...(user === undefined ? {} : { user }), ...(source === undefined ? {} : { source }) };
    return { cleared: Math.max(...parts.map(({ body }) => body.cleared)) };
  }),
];
