import type { Log } from '../../core/ports/log.ts';
import type { GatewayOptions } from '../bootstrap.ts';
import type { SupervisorLink } from './ask.ts';
import type { Shard } from './shard.ts';
import { SharedSessions, WorkerFleet } from './shared-sessions.ts';

/** Gives the gateway of a worker the sessions of all workers, and a way to their plug-ins. */
export const shareSessions = (
  options: GatewayOptions,
  supervisor: SupervisorLink,
  shard: Shard,
  restarted: boolean,
  log: Log,
): GatewayOptions => ({
  ...options,
  session: {
    ...options.session,
    fleet: new WorkerFleet(shard, restarted, supervisor, log),
    shareSessions: (own) => new SharedSessions(own, supervisor, shard),
  },
});
