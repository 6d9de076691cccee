import type { SessionView } from '../../core/datapath/session.ts';
import type { Instant } from '../../core/time.ts';

/** One tunnel as administration, captures and diagnosis see it; the numbers are those of the moment. */
export interface TunnelView {
  readonly session: SessionView;
  /** The peer's control address and port ("203.0.113.9:51234"). */
  readonly peerName: string;
  readonly openedAt: Instant;
  /** When the network of the tunnel came up first; undefined while it is being set up. */
  readonly upAt: Instant | undefined;
  readonly traceId: string;
  /** "MPPE 128 stateless" and the like, or "none". */
  readonly encryption: string;
}
