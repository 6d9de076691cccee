import { type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { Ipv6Profile, LinkEnd, NetworkProfile } from '../../core/machine/ppp-link-types.ts';
import type { TunnelAddress } from './tunnel-address.ts';
import type { TunnelContext } from './tunnel-context.ts';
import { type Entry, GATEWAY, type ProvenUser, type Refusal, TunnelEntry } from './tunnel-entry.ts';
import type { TunnelLog } from './tunnel-log.ts';
import type { TunnelSpans } from './tunnel-spans.ts';
import type { TunnelUser, UserTunnel } from './tunnel-user.ts';

/** The tunnel that somebody wants to come in by. */
export interface LoginTunnel extends UserTunnel {
  readonly spans: TunnelSpans;
  readonly lines: TunnelLog;
  readonly address: TunnelAddress;
  /** The call is gone. */
  readonly over: boolean;
  /** The answer to the effect `authenticated` of the link. */
  authorize(profile: NetworkProfile): void;
  close(reason: LinkEnd, detail: string): void;
  fault(cause: unknown): void;
}

const NO_ADDRESS = ipv4(0);

/** From the proof of a user to the network, first and again; needed while that is under way. */
export class TunnelLogin {
  private readonly tunnel: LoginTunnel;
  private readonly context: TunnelContext;
  private readonly user: TunnelUser;
  private readonly entry: TunnelEntry;

  constructor(tunnel: LoginTunnel, context: TunnelContext, user: TunnelUser) {
    this.tunnel = tunnel;
    this.context = context;
    this.user = user;
    const { session, peerName, spans, ipv6, address } = tunnel;
    const prepare = (one: ProvenUser) => user.prepare(one, (detail) => this.routeFailed(detail));
    this.entry = new TunnelEntry({ session, peerName, context, spans, ipv6, address, prepare });
  }

  /** Nobody waits to come in. */
  get isIdle(): boolean {
    return this.entry.isIdle;
  }

  abort(): void {
    this.entry.abort();
  }

  prove(user: ProvenUser): void {
    this.tunnel.spans.authenticated(user.identity, user.method);
    this.entry.enter(user, (entry) => {
      try {
        this.entered(entry, user);
      } catch (cause) {
        this.tunnel.fault(cause);
      }
    });
  }

  /** The link gets an answer for each question, also for one that is not the last: it passes that over. */
  private entered(entry: Entry, { identity }: ProvenUser): void {
    const { tunnel } = this;
    switch (entry.kind) {
      case 'superseded':
        tunnel.authorize(this.network(NO_ADDRESS, undefined));
        return;
      case 'refused':
        this.refused(entry, identity);
        return;
      case 'no-address':
        tunnel.lines.addressRefused(entry.detail, identity);
        tunnel.close('no-address', entry.detail);
        return;
      case 'in':
        this.user.admit(entry.user);
        tunnel.authorize(this.network(entry.address, entry.ipv6));
        return;
      default:
        entry satisfies never;
    }
  }

  /** What the profile asks for turned out to be impossible, perhaps when the session was up. */
  private routeFailed(detail: string): void {
    const { over, session } = this.tunnel;
    if (!over) this.refused({ policy: GATEWAY, denial: 'route-failed', detail }, session.identity ?? '');
  }

  private refused(refusal: Refusal, identity: string): void {
    const { policy, denial, detail } = refusal;
    this.tunnel.lines.refused(refusal, identity);
    this.context.telemetry.event('session.refused', { policy, denial });
    this.tunnel.close('administrative', detail);
  }

  private network(peerAddress: Ipv4, ipv6: Ipv6Profile | undefined): NetworkProfile {
    const { addresses, dns, wins } = this.context;
    const { profile } = this.user;
    return {
      localAddress: addresses.gatewayAddress,
      peerAddress,
      dns: profile.dns ?? dns,
      wins: profile.wins ?? wins,
      ...(ipv6 === undefined ? {} : { ipv6 }),
      ...(profile.encryption === undefined ? {} : { encryption: profile.encryption }),
    };
  }
}
