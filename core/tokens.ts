import type { ServiceIdentifier } from 'inversify';
import type { MppeKernel } from './datapath/mppe-kernel.ts';
import type { Stage } from './datapath/stage.ts';
import type { AccountingSink } from './ports/accounting.ts';
import type { AddressPool } from './ports/addresses.ts';
import type { Authenticator, AuthMethod } from './ports/auth.ts';
import type { Clock } from './ports/clock.ts';
import type { ControlPlugin } from './ports/control.ts';
import type { EapMethod } from './ports/eap.ts';
import type { EapRelay } from './ports/eap-relay.ts';
import type { Fleet } from './ports/fleet.ts';
import type { HostRoutes } from './ports/host-routes.ts';
import type { CallIds } from './ports/ids.ts';
import type { IpsecHook } from './ports/ipsec-hook.ts';
import type { Lifecycle } from './ports/lifecycle.ts';
import type { LockBook } from './ports/locks.ts';
import type { Log } from './ports/log.ts';
import type { OwnPackets } from './ports/own-packets.ts';
import type { GreSocket, TunDevice } from './ports/packet-io.ts';
import type { SessionPolicy } from './ports/policy.ts';
import type { RandomSource } from './ports/random.ts';
import type { SecurityAssociations } from './ports/security-associations.ts';
import type { SessionDirectory } from './ports/session-directory.ts';
import type { SessionListener } from './ports/session-listener.ts';
import type { ControlFrames, SessionLookup, Wakeups } from './ports/sessions.ts';
import type { Telemetry } from './ports/telemetry.ts';
import type { WallClock } from './ports/wall-clock.ts';

// Symbol.for: a plug-in with its own copy of this module still names the same services.
const token = <T>(name: string): ServiceIdentifier<T> => Symbol.for(`pptp-gateway/${name}`) as ServiceIdentifier<T>;

/** Everything that can be bound or injected. Several bindings are welcome where the comment says so. */
export const TOKENS = {
  Clock: token<Clock>('Clock'),
  WallClock: token<WallClock>('WallClock'),
  Random: token<RandomSource>('Random'),
  Log: token<Log>('Log'),
  Telemetry: token<Telemetry>('Telemetry'),
  CallIds: token<CallIds>('CallIds'),
  AddressPool: token<AddressPool>('AddressPool'),
  SessionLookup: token<SessionLookup>('SessionLookup'),
  Wakeups: token<Wakeups>('Wakeups'),
  ControlFrames: token<ControlFrames>('ControlFrames'),
  /** Several: sorted by slot. */
  Stage: token<Stage>('Stage'),
  /** Several: offered by preference. */
  AuthMethod: token<AuthMethod>('AuthMethod'),
  /** Several: those that PPTP_EAP_METHODS names are offered, in its order. */
  EapMethod: token<EapMethod>('EapMethod'),
  /** Several: asked in binding order. */
  Authenticator: token<Authenticator>('Authenticator'),
  /** Several: the first that does not answer `not-mine` has the exchange. */
  EapRelay: token<EapRelay>('EapRelay'),
  /** Several: asked in binding order. */
  SessionPolicy: token<SessionPolicy>('SessionPolicy'),
  /** Several: who is locked out. */
  Locks: token<LockBook>('Locks'),
  /** Several. */
  AccountingSink: token<AccountingSink>('AccountingSink'),
  /** Several. */
  SessionListener: token<SessionListener>('SessionListener'),
  /** Several: in binding order inbound, reversed outbound. */
  IpsecHook: token<IpsecHook>('IpsecHook'),
  /** Given by the plug-in `ipsec-esp`: for key managers. */
  SecurityAssociations: token<SecurityAssociations>('SecurityAssociations'),
  /** Given by the gateway: takes packets for the intranet that a stage or a hook makes itself (ICMP about a packet). */
  IntranetPackets: token<OwnPackets>('IntranetPackets'),
  /** Given by the gateway: largest inner packet that its tunnels carry whole, in octets. */
  TunnelMtu: token<number>('TunnelMtu'),
  /** Given by the gateway: the sessions of all its workers. */
  Sessions: token<SessionDirectory>('Sessions'),
  /** Given by the gateway: which of its processes this one is. */
  Fleet: token<Fleet>('Fleet'),
  /** Given by the gateway: its folder for files, the same in all its workers. A plug-in makes one in it, of its own name. */
  StateDir: token<string>('StateDir'),
  /**
   * Several: who may give a profile with a rate, a quota or a filter, or wants octets counted, by its name. Without any,
   * and without sinks and policies, the traffic stages are left out, and such a profile is refused.
   */
  TrafficNeed: token<string>('TrafficNeed'),
  Control: token<ControlPlugin>('ControlPlugin'),
  /** One at most: the stage `mppe` has one of its own. */
  MppeKernel: token<MppeKernel>('MppeKernel'),
  GreSocket: token<GreSocket>('GreSocket'),
  Tun: token<TunDevice>('TunDevice'),
  /** One at most: where the gateway sets up the host. */
  HostRoutes: token<HostRoutes>('HostRoutes'),
  /** Several: started after the devices, stopped before them. */
  Lifecycle: token<Lifecycle>('Lifecycle'),
} as const;
