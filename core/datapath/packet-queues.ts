import type { Direction } from '../outcome.ts';
import type { Instant } from '../time.ts';
import { GRE_CHANNEL } from './gre-channel.ts';
import type { PacketBatch } from './packet-batch.ts';
import type { Session } from './session.ts';
import { SESSION_SHAPE } from './shape.ts';

/**
 * Where packets of a session wait for their turn: for a number before them, for room in the peer's window, for the session's
 * rate in that direction.
 */
export type PacketQueueName = 'reorder' | 'window' | 'rate-in' | 'rate-out';

/** The queue that a stage keeps packets in. */
export const queueOf = (stage: string, direction: Direction): PacketQueueName | undefined => {
  if (stage === 'sequence' && direction === 'in') return 'reorder';
  if (stage === 'gre-window' && direction === 'out') return 'window';
  if (stage === 'traffic-in' && direction === 'in') return 'rate-in';
  return stage === 'traffic-out' && direction === 'out' ? 'rate-out' : undefined;
};

/**
 * The names by which queued packets are known again, by slot: queues copy packets, so a slot means nothing later. In the
 * reorder queue that is the GRE number; the others are first in, first out, so there it is a running number.
 *
 * `held`: the packets of this batch that the stage has just kept. `released`: all packets of the batch, that it let go.
 */
export class QueuedNames {
  private readonly queue: PacketQueueName;
  private readonly batch: PacketBatch;
  private readonly which: 'held' | 'released';
  private known: ReadonlyMap<number, string> | undefined;

  constructor(queue: PacketQueueName, batch: PacketBatch, which: 'held' | 'released') {
    this.queue = queue;
    this.batch = batch;
    this.which = which;
  }

  /** Empty when the packet in slot `index` has no name. */
  of(index: number): string {
    this.known ??= this.queue === 'reorder' ? this.byNumber() : this.byPlace();
    return this.known.get(index) ?? '';
  }

  private byNumber(): ReadonlyMap<number, string> {
    const { batch } = this;
    const names = new Map<number, string>();
    this.each((index, session) => names.set(index, reorderName(session, batch.sequence[index] ?? -1)));
    return names;
  }

  private byPlace(): ReadonlyMap<number, string> {
    const { queue } = this;
    const names = new Map<number, string>();
    const behind = new Map<Session, number>();
    this.each((index, session) => {
      const waiting = placesOf(session, queue);
      const last = (this.which === 'held' ? waiting?.entered : waiting?.left) ?? 0;
      const after = behind.get(session) ?? 0;
      behind.set(session, after + 1);
      names.set(index, `${session.id} ${queue} ${last - after}`);
    });
    return names;
  }

  /** From the last packet to the first. */
  private each(name: (index: number, session: Session) => void): void {
    const { batch, which } = this;
    for (let at = batch.count - 1; at >= 0; at -= 1) {
      const index = batch.order[at] ?? 0;
      const session = batch.session[index];
      if (session !== undefined && (which === 'released' || batch.fate(index) === 'held')) name(index, session);
    }
  }
}

const placesOf = (
  session: Session,
  queue: PacketQueueName,
): { readonly entered: number; readonly left: number } | undefined => {
  if (queue === 'window') return session.get(GRE_CHANNEL)?.transmit?.waiting;
  return session.get(SESSION_SHAPE)?.flow(queue === 'rate-in' ? 'in' : 'out');
};

export const reorderName = (session: Session, sequence: number): string => `${session.id} reorder ${sequence}`;

const NOTHING: readonly never[] = [];

interface Waiting<T> {
  readonly what: T;
  readonly since: Instant;
}

/** Things that belong to queued packets, by name. Bounded in number and time: sessions end with packets in their queues. */
export class WaitingRoom<T> {
  private readonly most: number;
  private readonly longestMs: number;
  private readonly waiting = new Map<string, Waiting<T>>();

  constructor(most: number, longestMs: number) {
    this.most = most;
    this.longestMs = longestMs;
  }

  get size(): number {
    return this.waiting.size;
  }

  /** False when there is no room. */
  put(name: string, what: T, since: Instant): boolean {
    if (name === '' || this.waiting.size >= this.most) return false;
    this.waiting.set(name, { what, since });
    return true;
  }

  take(name: string): Waiting<T> | undefined {
    const found = this.waiting.get(name);
    if (found !== undefined) this.waiting.delete(name);
    return found;
  }

  /** Takes out what has waited longer than anything may. */
  takeOlder(now: Instant): readonly T[] {
    if (this.waiting.size === 0) return NOTHING;
    const old: T[] = [];
    for (const [name, { what, since }] of this.waiting) {
      if (now - since < this.longestMs) break;
      this.waiting.delete(name);
      old.push(what);
    }
    return old;
  }
}
