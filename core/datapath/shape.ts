import type { Direction } from '../outcome.ts';
import type { RateLimit, RateLimits } from '../ports/profile.ts';
import type { Instant } from '../time.ts';
import type { PacketFilter } from './packet-filter.ts';
import type { ShapeSnapshot } from './path-snapshot.ts';
import type { Session } from './session.ts';
import { ShapedFlow } from './shape-flow.ts';
import { defineSlot } from './slots.ts';

/** What holds for the traffic of a session; a part that is absent does not limit it. */
export interface ShapeSettings {
  readonly rate?: RateLimits | undefined;
  readonly filter?: PacketFilter | undefined;
  /** Octets in and out together (SESSION_USAGE) after which nothing passes any more. */
  readonly quotaOctets?: number | undefined;
}

/** The same on the data path. */
export class SessionShape {
  filter: PacketFilter | undefined;
  /** Infinity: none. */
  quotaOctets = Number.POSITIVE_INFINITY;
  /** Whether the driver knows that the quota is used up. */
  quotaTold = false;
  /** `up` of the rate, and `down`. */
  in: ShapedFlow | undefined;
  out: ShapedFlow | undefined;

  flow(direction: Direction): ShapedFlow | undefined {
    return direction === 'in' ? this.in : this.out;
  }
}

export const SESSION_SHAPE = defineSlot<SessionShape>('session-shape');

/** What is left of the rates of a session; undefined where it has no shape. */
export const shapeState = (session: Session): ShapeSnapshot | undefined => {
  const shape = session.get(SESSION_SHAPE);
  return shape && { quotaTold: shape.quotaTold, in: shape.in?.state(), out: shape.out?.state() };
};

/** After the profile was put into force: its buckets are as full as those of the process before. */
export const restoreShape = (session: Session, snapshot: ShapeSnapshot): void => {
  const shape = session.get(SESSION_SHAPE);
  if (shape === undefined) return;
  shape.quotaTold = snapshot.quotaTold;
  if (snapshot.in !== undefined) shape.in?.restore(snapshot.in);
  if (snapshot.out !== undefined) shape.out?.restore(snapshot.out);
};

/** Told by the traffic stages, from inside a batch: what follows must wait for the end of the turn. */
export interface TrafficEvents {
  /** The session's quota is used up; once for each quota. */
  onQuotaReached(session: Session): void;
}

/**
 * From now on this, and nothing else, holds for the session. At the first time its buckets are full; later what is in them
 * stays as far as they hold it, and what waits for a rate goes on waiting under the new one. Does nothing where no traffic
 * stages are.
 */
export function setShape(session: Session, { rate, filter, quotaOctets }: ShapeSettings, now: Instant): void {
  const shape = session.get(SESSION_SHAPE) ?? new SessionShape();
  shape.filter = filter;
  const quota = quotaOctets ?? Number.POSITIVE_INFINITY;
  if (quota !== shape.quotaOctets) shape.quotaTold = false;
  shape.quotaOctets = quota;
  shape.in = changed(shape.in, rate?.up, now);
  shape.out = changed(shape.out, rate?.down, now);
  const isIdle = filter === undefined && quotaOctets === undefined && shape.in === undefined && shape.out === undefined;
  session.set(SESSION_SHAPE, isIdle ? undefined : shape);
}

/** A flow in which packets wait stays until they are gone, so that none overtakes them. */
const changed = (flow: ShapedFlow | undefined, limit: RateLimit | undefined, now: Instant): ShapedFlow | undefined => {
  if (flow === undefined) return limit === undefined ? undefined : new ShapedFlow(limit, now);
  if (limit === undefined && flow.length === 0) return undefined;
  flow.change(limit, now);
  return flow;
};
