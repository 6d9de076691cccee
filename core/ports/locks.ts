import type { Ipv4 } from '../bytes/ipv4-address.ts';

/** What a lock keeps out: a user from one address, an address, or a user. */
export type LockKind = 'user-and-source' | 'source' | 'user';

/** Somebody who may not try to log in for a while. */
export interface Lock {
  readonly what: LockKind;
  /** There unless `what` is `source`. */
  readonly user?: string;
  /** There unless `what` is `user`. */
  readonly source?: Ipv4;
  /** In ms since 1970. */
  readonly until: number;
}

/** All that is given must fit; nothing given is every lock. */
export interface LockQuery {
  readonly what?: LockKind;
  readonly user?: string;
  readonly source?: Ipv4;
}

/** Who is locked out. Several: one of each policy that locks. Both return at once. */
export interface LockBook {
  /** Locks in force, in no order, each of them once; of several workers those that this one knows. */
  list(): readonly Lock[];
  /**
   * Ends the locks that fit, in all workers, and forgets the failures that led to them. Returns how many were in force
   * in this one.
   */
  clear(query: LockQuery): number;
}

/** Whether `lock` is one that `query` asks for. */
export const lockFits = (lock: Omit<Lock, 'until'>, { what, user, source }: LockQuery): boolean =>
  (what === undefined || lock.what === what) &&
  (user === undefined || lock.user === user) &&
  (source === undefined || lock.source === source);
