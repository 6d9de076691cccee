import { printable } from '../../core/bytes/ascii.ts';
import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { GRE_CHANNEL, type GreSnapshot } from '../../core/datapath/gre-channel.ts';
import type { Session } from '../../core/datapath/session.ts';
import type { ClearReason } from '../../core/ports/control.ts';
import type { Log } from '../../core/ports/log.ts';
import type { SpanFailure, TunnelRole } from '../../core/ports/telemetry.ts';
import type { FailedAttempt } from './auth-rounds.ts';
import type { Refusal } from './tunnel-entry.ts';

/**
 * What the log says of the life of one tunnel, in fixed words: people, programs such as fail2ban and tests read them. A user
 * name is in the field `user` only, which the operator can have hashed or left out.
 */
export class TunnelLog {
  private readonly log: Log;
  private readonly session: Session;
  private readonly peerName: string;
  private readonly role: TunnelRole;

  constructor(log: Log, session: Session, peerName: string, role: TunnelRole) {
    this.log = log;
    this.session = session;
    this.peerName = peerName;
    this.role = role;
  }

  /** `window`: how many packets the peer takes at a time. */
  opened(window: number, setupMs: number): void {
    const { call } = this.session;
    this.log.info('call.opened', `a call ${this.role === 'client' ? 'to' : 'from'} ${this.peerName}`, {
      callId: call.localCallId,
      peerCallId: call.peerCallId,
      local: formatIpv4(call.local),
      setupMs: Math.round(setupMs),
      peerWindow: window,
    });
  }

  /**
   * Of a server one line for each attempt (E4). Of a client another event: `auth.failed` is what gets addresses banned, and
   * the server that refuses us is not to be.
   */
  authenticationFailed({ identity, method, denial, retriesLeft }: FailedAttempt): void {
    const fields = { user: printable(identity), method, denial, retriesLeft };
    if (this.role === 'client') {
      this.log.warn('auth.refused', `${this.peerName} refuses our authentication by ${method}: ${denial}`, fields);
      return;
    }
    const message = `authentication failed for a call from ${this.peerName} by ${method}: ${denial}`;
    this.log.warn('auth.failed', message, fields);
  }

  addressRefused(detail: string, identity: string): void {
    this.log.warn('address.refused', `no address for a call from ${this.peerName}: ${detail}`, { user: identity });
  }

  refused({ policy, denial, detail }: Refusal, identity: string): void {
    const message = `a call from ${this.peerName} is not let in: ${detail}`;
    this.log.warn('session.refused', message, { user: identity, policy, denial });
  }

  /** `address` is the peer's. */
  up(address: Ipv4, encryption: string, setupMs: number): void {
    this.log.info('session.up', `the tunnel of ${this.peerName} is up: ${formatIpv4(address)}`, {
      user: this.session.identity,
      address: formatIpv4(address),
      encryption,
      identification: this.session.attributes.get('ppp.lcp.identification'),
      setupMs: Math.round(setupMs),
    });
  }

  /** `failure`: why it was never up. */
  closed(
    {
      reason,
      detail,
      failure,
    }: { readonly reason: ClearReason; readonly detail: string; readonly failure?: SpanFailure | undefined },
    address: Ipv4 | undefined,
    milliseconds: number,
  ): void {
    const channel = this.session.get(GRE_CHANNEL);
    this.log.info('session.closed', `the tunnel of ${this.peerName} is closed: ${failure?.error ?? reason}`, {
      reason,
      detail,
      setupFailure: failure?.error,
      setupDetail: failure?.message,
      user: this.session.identity,
      address: address === undefined ? undefined : formatIpv4(address),
      seconds: Math.round(milliseconds / 1000),
      packetsIn: channel?.received ?? 0,
      packetsOut: channel?.sent ?? 0,
      octetsIn: channel?.receivedOctets ?? 0,
      octetsOut: channel?.sentOctets ?? 0,
      lost: channel?.queue.lost ?? 0,
      window: channel?.transmit?.window.snapshot().size,
      windowTimeOuts: channel?.transmit?.window.timeOuts,
      windowDropped: channel?.transmit?.dropped,
    });
  }

  /** Set-Link-Info (RFC 2637 section 2.15): GRE needs no octet mapping, so the maps are kept for the record only. */
  linkInfo(sendAccm: number, receiveAccm: number): void {
    this.log.debug('call.link-info', 'the peer set the character maps of the call', { sendAccm, receiveAccm });
  }

  /** An acknowledgment did not come in time (RFC 2637 section 4.4). */
  windowTimedOut({ window, peerAcknowledged }: GreSnapshot): void {
    const message = 'the peer did not acknowledge in time; the window is halved';
    this.log.debug('gre.window-timeout', message, { ...window, peerAcknowledged });
  }

  /** No GRE packet has come for so long (R31). */
  blocked(milliseconds: number): void {
    const peer = formatIpv4(this.session.call.peer);
    this.log.warn(
      'gre.blocked',
      `the control connection of ${this.peerName} is up, but no GRE packet has arrived from ${peer} within ` +
        `${Math.round(milliseconds / 1000)} s: a firewall, router or provider between the two drops IP protocol 47 (GRE)`,
    );
  }

  fault(cause: unknown): void {
    this.log.error('session.fault', `a bug in the tunnel of ${this.peerName}; its call is cleared`, { error: cause });
  }
}
