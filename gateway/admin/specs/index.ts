import type { RouteSpec } from '../spec.ts';
import * as capture from './capture.ts';
import * as events from './events.ts';
import * as explain from './explain.ts';
import * as gateway from './gateway.ts';
import * as health from './health.ts';
import * as life from './life.ts';
import * as logLevel from './log-level.ts';
import * as operations from './operations.ts';
import * as sessions from './sessions.ts';
import * as stats from './stats.ts';
import * as trace from './trace.ts';
import * as upgrade from './upgrade.ts';

const isSpec = (value: unknown): value is RouteSpec =>
  typeof value === 'object' && value !== null && 'method' in value && 'url' in value && 'role' in value;

const specsOf = (module: object): readonly RouteSpec[] => Object.values(module).filter(isSpec);

const modules = [
  health,
  gateway,
  sessions,
  stats,
  events,
  life,
  upgrade,
  operations,
  explain,
  capture,
  trace,
  logLevel,
];

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

const byUrl = (a: RouteSpec, b: RouteSpec): number => {
  if (a.url !== b.url) return a.url < b.url ? -1 : 1;
  return METHODS.indexOf(a.method) - METHODS.indexOf(b.method);
};

/** Every route of the admin API that operators see. A test compares them with the routes there are. */
export const ADMIN_SPECS: readonly RouteSpec[] = modules.flatMap((module) => specsOf(module).toSorted(byUrl));
