import type { SessionId } from '../../core/ports/ids.ts';
import type { SessionEnding } from '../../core/ports/session-facts.ts';
import type { Instant } from '../../core/time.ts';
import type { ManagedSession } from './local-sessions.ts';
import type { TunnelView } from './tunnel-view.ts';

/** One tunnel as it is, without a copy: administration looks at very many each second. */
export interface LiveTunnel extends ManagedSession {
  readonly peerName: string;
  readonly openedAt: Instant;
  /** When its network came up first; undefined while it is being set up. */
  readonly upAt: Instant | undefined;
  readonly traceId: string;
  readonly encryption: string;
  view(): TunnelView;
}

/** The tunnels of this process, those whose user has not proven itself among them. */
export interface LiveTunnels {
  /** In the order of their beginning. */
  all(): Iterable<LiveTunnel>;
  one(id: SessionId): LiveTunnel | undefined;
  /** `listener` is told of every tunnel whose network is up for the first time. */
  onUp(listener: (tunnel: LiveTunnel) => void): void;
  /** Ends one in order; resolves when its call is over: false when there was none. */
  disconnect(id: SessionId, ending: SessionEnding): Promise<boolean>;
}
