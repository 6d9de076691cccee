import type { SessionsPage, SessionsQuery } from '../api/sessions.ts';
import type { Stats } from '../api/stats.ts';
import type { EventRing, KeptEvent } from './event-ring.ts';

/** What somebody wants to see of this moment. */
export interface LookWish {
  readonly queries: readonly SessionsQuery[];
  readonly stats: boolean;
  /** Events that happened since are to be in the ring, or in the answer. */
  readonly events: boolean;
}

export interface Look {
  /** One for each query. */
  readonly pages: readonly SessionsPage[];
  readonly stats: Stats | undefined;
}

/** Where live data comes from: this process, or the workers of a supervisor. */
export interface LiveSource {
  readonly ring: EventRing;
  /** Rejects when there is nobody to ask. */
  look(wish: LookWish): Promise<Look>;
}

/** Body of `POST /v1/look`, by which a supervisor asks a worker for all that its own readers want. */
export interface LookOrder extends Omit<LookWish, 'events'> {
  /** Events behind this id; undefined: none, only the last id. */
  readonly after?: number;
}

export interface LookAnswer {
  readonly pages: readonly SessionsPage[];
  readonly stats: Stats | null;
  readonly events: readonly KeptEvent[];
  readonly last: number;
}
