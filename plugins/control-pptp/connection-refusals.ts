import type { Socket } from 'node:net';
import { NoteBudget } from '../../core/machine/note-budget.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';

const REFUSED_CONNECTION = {
  ipv6: 'Refused a control connection over IPv6: PPTP tunnels are carried over IPv4 here.',
  denied:
    'Refused a control connection: its source address is not allowed (PPTP_ALLOW_FROM, PPTP_DENY_FROM, PPTP_ACCESS_FILE).',
  stopping: 'Refused a control connection: the gateway is stopping.',
  limit: 'Refused a control connection: as many are there as may be (PPTP_MAX_CONNECTIONS).',
  'limit-per-source':
    'Refused a control connection: its source address has as many as it may (PPTP_MAX_CONNECTIONS_PER_ADDRESS).',
  'limit-unauthenticated':
    'Refused a control connection: as many wait for their user to log in as may (PPTP_MAX_UNAUTHENTICATED).',
  'limit-unauthenticated-per-source':
    'Refused a control connection: as many of its source address wait for their user to log in as may (PPTP_MAX_UNAUTHENTICATED_PER_ADDRESS).',
  'made-room': 'Ended a control connection whose user has not logged in, for another one: a limit is reached.',
  'rate-per-source':
    'Refused a control connection: its source address has made as many in this minute as it may (PPTP_CONNECT_RATE_PER_ADDRESS).',
  'limit-setup-queue':
    'Refused a control connection: as many clients wait for their set-up to begin as may (PPTP_SETUP_QUEUE).',
  'limit-setup-wait':
    'Refused a control connection: its set-up could not begin in time (PPTP_SETUP_WAIT); too many clients call at once.',
} as const;
export type RefusedConnection = keyof typeof REFUSED_CONNECTION;

export interface RefusalDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  readonly telemetry: Pick<Telemetry, 'event'>;
}

/** Counts and logs the connections that are not taken; of many in a short time one line for each reason in `logIntervalMs`. */
export class ConnectionRefusals {
  private readonly deps: RefusalDeps;
  private readonly logIntervalMs: number;
  private readonly refusals = new Map<RefusedConnection, NoteBudget>();
  private readonly acceptFailures: NoteBudget;

  constructor(deps: RefusalDeps, logIntervalMs: number) {
    this.deps = deps;
    this.logIntervalMs = logIntervalMs;
    this.acceptFailures = new NoteBudget(1, logIntervalMs);
  }

  refuse(socket: Socket, reason: RefusedConnection): void {
    this.count(socket.remoteAddress, reason);
    socket.destroy();
  }

  /** Of one that is refused in the words of the protocol, or ended later. */
  count(peer: string | undefined, reason: RefusedConnection): void {
    const { clock, log, telemetry } = this.deps;
    telemetry.event('control.connection-refused', { reason });
    const missed = this.budget(reason).take(clock.now());
    if (missed !== undefined) {
      log.warn('control.connection-refused', REFUSED_CONNECTION[reason], {
        reason,
        peer: peer ?? 'unknown',
        notLogged: missed,
      });
    }
  }

  private budget(reason: RefusedConnection): NoteBudget {
    const budget = this.refusals.get(reason) ?? new NoteBudget(1, this.logIntervalMs);
    this.refusals.set(reason, budget);
    return budget;
  }

  /** It comes back with every connection that waits, until the cause has passed. */
  acceptFailed(error: Error): void {
    const missed = this.acceptFailures.take(this.deps.clock.now());
    if (missed === undefined) return;
    this.deps.log.error('control.accept', `Accepting failed: ${error.message}`, { notLogged: missed });
  }
}
