import type { UserProfile } from '../ports/profile.ts';
import type { Instant } from '../time.ts';
import type { PacketFilter } from './packet-filter.ts';
import type { Session } from './session.ts';
import { setShape } from './shape.ts';

/** The parts of a profile that concern traffic. */
export type TrafficProfile = Pick<UserProfile, 'rate' | 'filter' | 'quotaOctets'>;

/** From profiles to the data path: names of filters become filters, and what cannot be done is refused. */
export class ShapeControl {
  private filters: ReadonlyMap<string, PacketFilter>;
  /** Whether the traffic stages are there. */
  readonly active: boolean;

  private readonly applied: (session: Session) => void;

  /** `applied` is told of each session whose shape is another one now. */
  constructor(
    filters: ReadonlyMap<string, PacketFilter>,
    active: boolean,
    applied: (session: Session) => void = () => undefined,
  ) {
    this.filters = filters;
    this.active = active;
    this.applied = applied;
  }

  /** For profiles that are applied from now on; a session keeps the filter that it has until its profile changes. */
  replace(filters: ReadonlyMap<string, PacketFilter>): void {
    if (this.active) this.filters = filters;
  }

  /** Why this gateway cannot do what the profile asks for, as a sentence; undefined when it can. */
  refusal({ rate, filter, quotaOctets }: TrafficProfile): string | undefined {
    if (filter === undefined && rate?.up === undefined && rate?.down === undefined && quotaOctets === undefined) {
      return undefined;
    }
    if (!this.active) {
      return 'This gateway holds no session to a rate, a filter or a quota: no plug-in needs it. PPTP_TRAFFIC_LIMITS=on switches it on, with a restart.';
    }
    if (filter !== undefined && !this.filters.has(filter)) {
      return `The profile names the filter ${JSON.stringify(filter)}, and PPTP_FILTERS_FILE has no list of this name.`;
    }
    return undefined;
  }

  /** The profile's part is in force from now on; `refusal` has said that it can be. */
  apply(session: Session, { rate, filter, quotaOctets }: TrafficProfile, now: Instant): void {
    if (!this.active) return;
    setShape(session, { rate, filter: filter === undefined ? undefined : this.filters.get(filter), quotaOctets }, now);
    this.applied(session);
  }
}

export const NO_SHAPES = new ShapeControl(new Map(), false);
