import { GRE_CHANNEL, type GreSnapshot } from '../../core/datapath/gre-channel.ts';
import type { Session, SessionView } from '../../core/datapath/session.ts';
import type { ClearReason } from '../../core/ports/control.ts';
import type { SpanFailure } from '../../core/ports/telemetry.ts';
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
  /** Packets of the tunnel that were dropped so far, by "stage direction reason". */
  readonly drops: ReadonlyMap<string, number>;
  /** Undefined while no stage counts GRE. */
  readonly gre: GreSnapshot | undefined;
  /** When the last GRE packet of the peer came. */
  readonly lastReceived: Instant | undefined;
}

/** A tunnel that is over: its last numbers, and why the call ended. Its address is given back by then. */
export interface TunnelEnding {
  readonly view: TunnelView;
  readonly reason: ClearReason;
  readonly detail: string;
  /** Why its set-up failed, where a phase of it has. */
  readonly failure?: SpanFailure | undefined;
}

/** The same of a tunnel that is there. */
export const viewOf = (
  tunnel: Pick<TunnelView, 'peerName' | 'openedAt' | 'upAt' | 'traceId' | 'encryption'> & { readonly session: Session },
): TunnelView => {
  const { session, peerName, openedAt, upAt, traceId, encryption } = tunnel;
  const channel = session.get(GRE_CHANNEL);
  return {
    session,
    peerName,
    openedAt,
    upAt,
    traceId,
    encryption,
    drops: session.drops,
    gre: channel?.snapshot(),
    lastReceived: channel?.lastReceived,
  };
};
