import { formatIpv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import { GRE_CHANNEL, GreChannel } from '../../core/datapath/gre-channel.ts';
import { Session } from '../../core/datapath/session.ts';
import { callId, sessionId } from '../../core/ports/ids.ts';
import { type Instant, instant } from '../../core/time.ts';
import type { LiveTunnel } from '../../gateway/session/live-tunnel.ts';
import { viewOf } from '../../gateway/session/tunnel-view.ts';

/** A tunnel that is only looked at. */
export interface TunnelFacts {
  readonly id: string;
  readonly user?: string | undefined;
  /** Inner. */
  readonly address?: number | undefined;
  readonly peer: number;
  readonly port?: number;
  readonly openedAt: number;
  readonly upAt?: number | undefined;
  readonly octetsIn?: number;
  readonly octetsOut?: number;
  readonly dropped?: number;
}

const FACTS = { method: 'ms-chap-v2' };
const GRE = { window: 64, timeoutMs: 300, ackDelayMs: 100 };

export const liveTunnel = (facts: TunnelFacts): LiveTunnel & { readonly session: Session } => {
  const peer = ipv4(facts.peer);
  const call = { local: ipv4(1), peer, localCallId: callId(1), peerCallId: callId(2) };
  const session = new Session(sessionId(facts.id), call);
  session.identity = facts.user;
  session.address = facts.address === undefined ? undefined : ipv4(facts.address);
  const channel = new GreChannel(GRE);
  channel.receivedOctets = facts.octetsIn ?? 0;
  channel.sentOctets = facts.octetsOut ?? 0;
  session.set(GRE_CHANNEL, channel);
  for (let drop = 0; drop < (facts.dropped ?? 0); drop += 1) session.countDrop('address', 'in', 'spoofed-source');
  const upAt: Instant | undefined = facts.upAt === undefined ? undefined : instant(facts.upAt);
  const tunnel = {
    session,
    peerName: `${formatIpv4(peer)}:${facts.port ?? 40_000}`,
    openedAt: instant(facts.openedAt),
    upAt,
    traceId: '0'.repeat(32),
    encryption: 'MPPE 128 stateless',
  };
  const facted = { ...FACTS } as unknown as ReturnType<LiveTunnel['facts']>;
  return {
    ...tunnel,
    facts: () => (facts.user === undefined ? undefined : facted),
    usage: () => ({ octetsIn: 0, octetsOut: 0, packetsIn: 0, packetsOut: 0 }),
    seconds: () => 0,
    disconnect: () => undefined,
    change: () => ({ ok: true }),
    view: () => viewOf(tunnel),
  };
};
