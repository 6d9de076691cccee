import type { Probes } from '../../core/datapath/probe.ts';
import type { SessionView } from '../../core/datapath/session.ts';
import type { Stage } from '../../core/datapath/stage.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log, LogFields } from '../../core/ports/log.ts';
import { Capture, type CaptureOrder, type CaptureSummary } from './capture.ts';
import { CLEAR_POINTS, planPoints } from './points.ts';

export interface CapturesDeps {
  readonly probes: Pick<Probes, 'add'>;
  /** Sorted by slot. */
  readonly stages: readonly Stage[];
  readonly tunnels: () => readonly { readonly session: SessionView }[];
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  /** Whether captures may show what is encrypted on the wire. */
  readonly allowDecrypted: boolean;
  /** Milliseconds since 1970; the host's clock if left out. */
  readonly wallClock?: () => number;
  /** Octets that may wait for the reader of one capture. */
  readonly room?: number;
}

/** Why a capture was not started, and a sentence that says what to do. */
export interface CaptureRefusal {
  readonly why: 'not-allowed' | 'needs-decrypted' | 'too-many' | 'no-tunnel';
  readonly message: string;
}

export const MOST_CAPTURES = 4;
const ROOM = 8 * 1024 * 1024;
/** Captures that have ended and can still be asked about. */
const REMEMBERED = 16;

/**
 * The captures of a running gateway. Each start and each end is a warning in the log: somebody looks at what others
 * send.
 */
export class Captures {
  private readonly deps: CapturesDeps;
  /** Not closed yet. */
  private readonly running = new Map<string, Capture>();
  private readonly past: CaptureSummary[] = [];
  private started = 0;

  constructor(deps: CapturesDeps) {
    this.deps = deps;
  }

  start(order: CaptureOrder): Capture | CaptureRefusal {
    const refusal = this.refuse(order);
    if (refusal !== undefined) return refusal;
    const { log, probes, stages, clock, version, wallClock, room } = this.deps;
    this.started += 1;
    const id = String(this.started);
    log.warn('capture.started', `${order.who} captures packets`, {
      ...auditFields(id, order),
      packets: order.packets,
      seconds: order.seconds,
    });
    const capture = new Capture({
      id,
      order,
      plan: planPoints(stages),
      clock,
      probes,
      version,
      wallClock: wallClock ?? Date.now,
      room: room ?? ROOM,
      stillThere: () => this.hasTunnel(order),
      ended: ({ summary }) => this.reportEnd(summary, order),
      closed: ({ summary }) => this.forget(summary),
    });
    this.running.set(id, capture);
    return capture;
  }

  /** Ends a capture as its owner wishes; false when it is not running. */
  end(id: string): boolean {
    const capture = this.running.get(id);
    capture?.end('asked');
    return capture !== undefined;
  }

  /** A capture that runs or has ended not long ago. */
  find(id: string): CaptureSummary | undefined {
    return this.list().find((capture) => capture.id === id);
  }

  list(): readonly CaptureSummary[] {
    return [...this.past, ...[...this.running.values()].map(({ summary }) => summary)];
  }

  /** The gateway stops: every capture ends, and its reader gets the rest. */
  stop(): void {
    for (const capture of [...this.running.values()]) capture.end('shutdown');
  }

  private refuse({ points, decrypted, filter }: CaptureOrder): CaptureRefusal | undefined {
    const clear = points.filter((point) => CLEAR_POINTS.has(point));
    if (!decrypted && clear.length > 0) {
      const message = `The points ${clear.join(' and ')} show what tunnels encrypt: ask for them with --decrypted.`;
      return { why: 'needs-decrypted', message };
    }
    if (decrypted && !this.deps.allowDecrypted) {
      const message =
        'This gateway does not show what tunnels encrypt: set PPTP_CAPTURE_DECRYPTED=true and restart it, or capture without --decrypted.';
      return { why: 'not-allowed', message };
    }
    if (filter.kind === 'tunnel' && !this.hasTunnel({ filter })) {
      return { why: 'no-tunnel', message: `There is no tunnel ${filter.id}: "pptp-gateway tunnels" lists them.` };
    }
    if (this.running.size < MOST_CAPTURES) return undefined;
    return { why: 'too-many', message: `${MOST_CAPTURES} captures are running already: end one of them first.` };
  }

  private hasTunnel({ filter }: Pick<CaptureOrder, 'filter'>): boolean {
    return filter.kind !== 'tunnel' || this.deps.tunnels().some(({ session }) => session.id === filter.id);
  }

  private reportEnd({ id, end, seconds, points }: CaptureSummary, order: CaptureOrder): void {
    const count = (what: 'seen' | 'lost'): number => points.reduce((sum, point) => sum + point[what], 0);
    this.deps.log.warn('capture.ended', `${order.who} captures no more packets`, {
      ...auditFields(id, order),
      end,
      seconds: Math.round(seconds),
      packets: count('seen') - count('lost'),
      lost: count('lost'),
    });
  }

  private forget(summary: CaptureSummary): void {
    this.running.delete(summary.id);
    this.past.push(summary);
    if (this.past.length > REMEMBERED) this.past.shift();
  }
}

const auditFields = (id: string, { who, filter, points, decrypted }: CaptureOrder): LogFields => ({
  capture: id,
  who,
  points,
  decrypted,
  ...(filter.kind === 'user' ? { user: filter.name } : {}),
  ...(filter.kind === 'tunnel' ? { session: filter.id } : {}),
});
