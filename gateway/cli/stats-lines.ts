import type { Funnel, PoolUse, ProcessUse, StageDrops, Stats } from '../admin/api/stats.ts';
import { type Column, factLines, tableOf } from './table.ts';
import { bitRateText, countText, durationText, octetsText, packetRateText, percentText } from './units.ts';

const MOST_DROPS = 8;

const POOL_COLUMNS: readonly Column<PoolUse>[] = [
  { title: 'POOL', cell: ({ pool }) => pool },
  { title: 'RANGE', cell: ({ range }) => range },
  { title: 'USED', right: true, cell: ({ used }) => used },
  { title: 'SIZE', right: true, cell: ({ size }) => size },
  { title: 'SHARE', right: true, cell: ({ used, size }) => (size === 0 ? '-' : percentText(used / size)) },
];

/** The pools of addresses as a table. */
export const poolLines = (pools: readonly PoolUse[]): readonly string[] => tableOf(POOL_COLUMNS, pools);

type Phase = Funnel['phases'][number];

const reasonsText = ({ reasons }: Phase): string =>
  Object.entries(reasons)
    .toSorted(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ');

const FUNNEL_COLUMNS: readonly Column<Phase>[] = [
  { title: 'PHASE', cell: ({ phase }) => phase },
  { title: 'REACHED', right: true, cell: ({ reached }) => reached },
  { title: 'FAILED', right: true, cell: ({ failed }) => failed },
  { title: 'WHY', cell: reasonsText },
];

const DROP_COLUMNS: readonly Column<StageDrops>[] = [
  { title: 'DROPPED', right: true, cell: ({ count }) => count },
  { title: 'STAGE', cell: ({ stage }) => stage },
  { title: 'WAY', cell: ({ direction }) => direction },
  { title: 'REASON', cell: ({ reason }) => reason },
];

const PROCESS_COLUMNS: readonly Column<ProcessUse>[] = [
  { title: 'PROCESS', cell: ({ worker }) => (worker === undefined ? 'gateway' : `worker ${worker}`) },
  { title: 'PID', right: true, cell: ({ pid }) => pid },
  { title: 'UP', right: true, cell: ({ uptimeSeconds }) => durationText(uptimeSeconds) },
  { title: 'CPU', right: true, cell: ({ cpu }) => percentText(cpu) },
  { title: 'MEMORY', right: true, cell: ({ residentOctets }) => octetsText(residentOctets) },
  { title: 'LATE', right: true, cell: ({ eventLoopMs }) => `${eventLoopMs.toFixed(1)} ms` },
];

const section = (lines: readonly string[]): readonly string[] => ['', ...lines];

/** "12 up, 1 being set up" */
export const tunnelsText = ({ up, setup, waiting }: Stats['tunnels']): string =>
  `${up} up, ${setup} being set up${waiting === 0 ? '' : `, ${waiting} waiting`}`;

/** The whole gateway for people. */
export const statsLines = (stats: Stats): readonly string[] => {
  const { tunnels, controlConnections, traffic, funnel, drops, pools, processes, missing } = stats;
  const worst = drops.filter(({ count }) => count > 0).toSorted((a, b) => b.count - a.count);
  const rest = worst.length - MOST_DROPS;
  return [
    ...factLines([
      ['at', stats.at],
      ['sessions', `${tunnelsText(tunnels)}; ${countText(controlConnections, 'control connection')}`],
      [
        'in',
        `${bitRateText(traffic.rateIn)}, ${packetRateText(traffic.packetRateIn)}; ${octetsText(traffic.octetsIn)} in all`,
      ],
      [
        'out',
        `${bitRateText(traffic.rateOut)}, ${packetRateText(traffic.packetRateOut)}; ${octetsText(traffic.octetsOut)} in all`,
      ],
      ['missing', missing === undefined ? null : `no answer from worker ${missing.join(', ')}`],
    ]),
    ...(funnel.phases.length === 0 ? [] : section(tableOf(FUNNEL_COLUMNS, funnel.phases))),
    ...(worst.length === 0 ? [] : section(tableOf(DROP_COLUMNS, worst.slice(0, MOST_DROPS)))),
    ...(rest > 0 ? [`and ${countText(rest, 'reason')} more: --json has all`] : []),
    ...(pools.length === 0 ? [] : section(poolLines(pools))),
    ...(processes.length === 0 ? [] : section(tableOf(PROCESS_COLUMNS, processes))),
  ];
};
