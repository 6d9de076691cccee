import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { Session } from '../../core/datapath/session.ts';
import type { EncryptionParameters, LinkEnd } from '../../core/machine/ppp-link-types.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { ClearReason } from '../../core/ports/control.ts';
import type { Telemetry, TunnelRole } from '../../core/ports/telemetry.ts';
import type { WallClock } from '../../core/ports/wall-clock.ts';
import type { Instant } from '../../core/time.ts';
import type { AskedBackEnd, AskedPool } from '../containment/containment.ts';
import type { Policies } from './policies.ts';
import type { ProfileServices } from './profiles.ts';
import type { SessionTable } from './session-table.ts';
import type { SessionWatchers } from './session-watchers.ts';
import type { Tunnel } from './tunnel.ts';
import type { Ipv6Services } from './tunnel-ipv6.ts';
import type { SessionLimits } from './tunnel-limits.ts';

/** What every tunnel of the process shares. */
export interface TunnelContext {
  /** What we are in the control connections. */
  readonly role: TunnelRole;
  readonly clock: Clock;
  /** The clock's; one function for all tunnels. */
  readonly now: () => Instant;
  /** Takes how long an LCP echo took, in ms. */
  readonly roundTrip: (milliseconds: number) => void;
  readonly wallClock: WallClock;
  readonly telemetry: Telemetry;
  readonly authenticators: readonly AskedBackEnd[];
  /** Undefined: everybody who proves who it is may come in. */
  readonly policies: Policies | undefined;
  /** Undefined: nobody wants to know. */
  readonly watchers: SessionWatchers | undefined;
  readonly profiles: ProfileServices;
  readonly addresses: AskedPool;
  readonly sessions: SessionTable;
  readonly dns: readonly Ipv4[];
  readonly wins: readonly Ipv4[];
  /** Say so when no GRE packet came this long after the call was up, in ms (R31). */
  readonly silenceMs: number;
  readonly limits?: SessionLimits;
  /** Absent: no IPv6 in the tunnels. */
  readonly ipv6?: Ipv6Services;
  send(session: Session, protocol: number, bytes: Uint8Array): void;
  setEncryption(session: Session, parameters: EncryptionParameters | undefined): void;
  /** Ends another tunnel of this user that holds this address; true when there was one. */
  endOlder(identity: string, address: Ipv4): boolean;
  /** Ends this session for a newer one of the same user; true when it is gone. */
  replace(session: Session): boolean;
  /** Ends the call from our side; the control connection answers with the event `closed`. */
  clear(session: Session, reason: ClearReason, detail: string): void;
  /** The tunnel's deadline changed. */
  reschedule(tunnel: Tunnel): void;
  /** Its user has proven who it is. */
  proven(session: Session): void;
  /** The tunnel is up for the first time. */
  settled(session: Session): void;
}

/** What the end of a link means for its call. */
export const CLEAR_REASON: Readonly<Record<LinkEnd, ClearReason>> = {
  'authentication-failed': 'authentication-failed',
  'negotiation-failed': 'negotiation-failed',
  'encryption-required': 'encryption-required',
  'no-address': 'no-address',
  'peer-terminated': 'peer-terminated',
  'echo-timeout': 'link-dead',
  'no-answer': 'link-dead',
  loopback: 'negotiation-failed',
  idle: 'idle',
  'session-timeout': 'session-timeout',
  quota: 'quota',
  administrative: 'administrative',
  shutdown: 'shutdown',
};

/** With what end the link begins when its call is to be cleared for this reason. */
export const linkEndFor = (reason: ClearReason): LinkEnd => LINK_ENDS.find((end) => end === reason) ?? 'administrative';

const LINK_ENDS: readonly LinkEnd[] = ['idle', 'session-timeout', 'quota', 'administrative', 'shutdown'];
