import type { RouteSpec } from '../spec.ts';
import { decimal, list, mapOf, missing, moment, object, oneOf, orNull, text, whole } from './json.ts';

const traffic = object({
  octetsIn: whole,
  octetsOut: whole,
  packetsIn: whole,
  packetsOut: whole,
  rateIn: whole,
  rateOut: whole,
  packetRateIn: whole,
  packetRateOut: whole,
});

export const pools = list(object({ pool: text, range: text, used: whole, size: whole }));

const processUse = object(
  { pid: whole, uptimeSeconds: whole, cpu: decimal, residentOctets: whole, eventLoopMs: decimal },
  { worker: whole },
);

export const statsAnswer = object(
  {
    at: moment,
    tunnels: object({ up: whole, setup: whole, waiting: whole }),
    controlConnections: whole,
    traffic,
    funnel: object({
      phases: list(object({ phase: text, reached: whole, failed: whole, reasons: mapOf(whole) })),
    }),
    drops: list(object({ stage: text, direction: oneOf(['in', 'out']), reason: text, count: whole })),
    stages: list(
      object({
        stage: text,
        slot: orNull(whole),
        passedIn: whole,
        passedOut: whole,
        droppedIn: whole,
        droppedOut: whole,
      }),
    ),
    pools,
    processes: list(processUse),
  },
  missing,
);

export const STATS: RouteSpec = {
  method: 'GET',
  url: '/v1/stats',
  role: 'read',
  tag: 'stats',
  summary: 'The whole gateway at this moment',
  answer: statsAnswer,
};

export const STATS_STREAM: RouteSpec = {
  method: 'GET',
  url: '/v1/stats/stream',
  role: 'read',
  tag: 'stats',
  summary: 'The same once a second, as server-sent events named `stats`',
  produces: 'text/event-stream',
};

export const STATS_HISTORY: RouteSpec = {
  method: 'GET',
  url: '/v1/stats/history',
  role: 'read',
  tag: 'stats',
  summary: 'The last quarter of an hour in steps of five seconds, oldest first',
  answer: object(
    {
      stepSeconds: whole,
      points: list(object({ at: whole, up: whole, setup: whole, rateIn: whole, rateOut: whole, dropRate: decimal })),
    },
    missing,
  ),
};

export const POOLS: RouteSpec = {
  method: 'GET',
  url: '/v1/pools',
  role: 'read',
  tag: 'stats',
  summary: 'How many addresses and prefixes are in use',
  answer: object({ pools }, missing),
};
