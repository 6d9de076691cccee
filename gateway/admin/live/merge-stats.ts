import type { Funnel, PoolUse, StageDrops, StageFlow, Stats, StatsHistory, StatsPoint, Traffic } from '../api/stats.ts';

/** One worker's part. */
export interface StatsPart<T> {
  readonly worker: number;
  readonly body: T;
}

const grouped = <T>(items: readonly T[], keyOf: (item: T) => string): readonly (readonly T[])[] => {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
};

const sumOf = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((sum, item) => sum + of(item), 0);

/** The first of a group, with these numbers as sums of all. */
const summed = <T, Key extends keyof T>(group: readonly T[], keys: readonly Key[]): T | undefined => {
  const [first] = group;
  if (first === undefined) return undefined;
  return { ...first, ...Object.fromEntries(keys.map((key) => [key, sumOf(group, (one) => Number(one[key]))])) };
};

const merged = <T, Key extends keyof T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  keys: readonly Key[],
): readonly T[] => grouped(items, keyOf).flatMap((group) => summed(group, keys) ?? []);

const TRAFFIC = [
  'octetsIn',
  'octetsOut',
  'packetsIn',
  'packetsOut',
  'rateIn',
  'rateOut',
  'packetRateIn',
  'packetRateOut',
] as const satisfies readonly (keyof Traffic)[];
const NO_TRAFFIC: Traffic = {
  octetsIn: 0,
  octetsOut: 0,
  packetsIn: 0,
  packetsOut: 0,
  rateIn: 0,
  rateOut: 0,
  packetRateIn: 0,
  packetRateOut: 0,
};

export const mergeFunnels = (funnels: readonly Funnel[]): Funnel => ({
  phases: grouped(
    funnels.flatMap(({ phases }) => phases),
    ({ phase }) => phase,
  ).map((group) => {
    const reasons: Record<string, number> = {};
    for (const one of group) {
      for (const [reason, count] of Object.entries(one.reasons)) reasons[reason] = (reasons[reason] ?? 0) + count;
    }
    return {
      phase: group[0]?.phase ?? '',
      reached: sumOf(group, ({ reached }) => reached),
      failed: sumOf(group, ({ failed }) => failed),
      reasons,
    };
  }),
});

export const mergePools = (pools: readonly PoolUse[]): readonly PoolUse[] =>
  merged(pools, ({ pool }) => pool, ['used', 'size']);

/** Numbers of workers as those of one gateway; `own` is the supervisor's part. */
export const mergeStats = (
  parts: readonly StatsPart<Stats>[],
  own: Pick<Stats, 'at' | 'funnel' | 'processes'> & { readonly waiting: number; readonly connections: number },
): Stats => {
  const all = parts.map(({ body }) => body);
  const drops: readonly StageDrops[] = all.flatMap((one) => one.drops);
  const stages: readonly StageFlow[] = all.flatMap((one) => one.stages);
  return {
    at: own.at,
    tunnels: {
      up: sumOf(all, ({ tunnels }) => tunnels.up),
      setup: sumOf(all, ({ tunnels }) => tunnels.setup),
      waiting: own.waiting + sumOf(all, ({ tunnels }) => tunnels.waiting),
    },
    controlConnections: own.connections + sumOf(all, ({ controlConnections }) => controlConnections),
    traffic:
      summed(
        all.map(({ traffic }) => traffic),
        TRAFFIC,
      ) ?? NO_TRAFFIC,
    funnel: mergeFunnels([...all.map(({ funnel }) => funnel), own.funnel]),
    drops: merged(drops, ({ stage, direction, reason }) => `${stage} ${direction} ${reason}`, ['count']),
    stages: merged(stages, ({ stage, slot }) => `${slot} ${stage}`, [
      'passedIn',
      'passedOut',
      'droppedIn',
      'droppedOut',
    ]),
    pools: mergePools(all.flatMap(({ pools }) => pools)),
    processes: [
      ...own.processes,
      ...parts.flatMap(({ worker, body }) => body.processes.map((one) => ({ ...one, worker }))),
    ],
  };
};

/** Points of the same time together. Where a worker has none, the others make the point. */
export const mergeHistories = (histories: readonly StatsHistory[]): StatsHistory => {
  const points: readonly StatsPoint[] = histories.flatMap((history) => history.points);
  return {
    stepSeconds: histories[0]?.stepSeconds ?? 0,
    points: merged(points, ({ at }) => String(at), ['up', 'setup', 'rateIn', 'rateOut', 'dropRate']).toSorted(
      (a, b) => a.at - b.at,
    ),
  };
};
