import { formatIpv4 } from '../../core/bytes/ipv4-address.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { TunnelView } from '../session/tunnel-view.ts';
import { wallTime } from './wall-time.ts';

/** A tunnel as `GET /v1/tunnels` shows it. */
export interface TunnelSummary {
  readonly id: string;
  readonly state: 'setup' | 'up';
  /** The peer's control address and port. */
  readonly peer: string;
  readonly user: string | null;
  /** Inner address of the peer. */
  readonly address: string | null;
  readonly encryption: string;
  /** ISO 8601. */
  readonly openedAt: string;
  readonly upAt: string | null;
  /** Since the call began. */
  readonly seconds: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly octetsIn: number;
  readonly octetsOut: number;
  /** Packets of the tunnel that were dropped, whatever the reason. */
  readonly dropped: number;
  readonly traceId: string;
  /** Index of the worker process that has it, in a gateway with several. */
  readonly worker?: number;
}

/** A tunnel as `GET /v1/tunnels/:id` shows it. */
export interface TunnelDetail extends TunnelSummary {
  readonly callId: number;
  readonly peerCallId: number;
  readonly local: string;
  readonly ipv6: boolean;
  /** GRE numbers that were waited for in vain. */
  readonly lost: number;
  /** Since the last GRE packet of the peer; null when none came. */
  readonly silentSeconds: number | null;
  /** By "stage direction reason". */
  readonly drops: Readonly<Record<string, number>>;
  /** What the peer said of itself. */
  readonly attributes: Readonly<Record<string, string>>;
}

const SECOND_MS = 1000;

export const tunnelSummary = (view: TunnelView, clock: Clock): TunnelSummary => {
  const { session, gre } = view;
  let dropped = 0;
  for (const count of view.drops.values()) dropped += count;
  return {
    id: session.id,
    state: view.upAt === undefined ? 'setup' : 'up',
    peer: view.peerName,
    user: session.identity ?? null,
    address: session.address === undefined ? null : formatIpv4(session.address),
    encryption: view.encryption,
    openedAt: wallTime(clock, view.openedAt),
    upAt: view.upAt === undefined ? null : wallTime(clock, view.upAt),
    seconds: Math.round((clock.now() - view.openedAt) / SECOND_MS),
    packetsIn: gre?.received ?? 0,
    packetsOut: gre?.sent ?? 0,
    octetsIn: gre?.receivedOctets ?? 0,
    octetsOut: gre?.sentOctets ?? 0,
    dropped,
    traceId: view.traceId,
  };
};

export const tunnelDetail = (view: TunnelView, clock: Clock): TunnelDetail => {
  const { session, gre, lastReceived } = view;
  return {
    ...tunnelSummary(view, clock),
    callId: session.call.localCallId,
    peerCallId: session.call.peerCallId,
    local: formatIpv4(session.call.local),
    ipv6: session.ipv6 !== undefined,
    lost: gre?.lost ?? 0,
    silentSeconds: lastReceived === undefined ? null : Math.round((clock.now() - lastReceived) / SECOND_MS),
    drops: Object.fromEntries(view.drops),
    attributes: Object.fromEntries(session.attributes),
  };
};
