import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { Session } from '../../core/datapath/session.ts';
import type { Stage } from '../../core/datapath/stage.ts';
import type { SequenceStage } from '../../core/datapath/stages/sequence.stage.ts';
import type { LinkSnapshot } from '../../core/machine/link-snapshot.ts';
import type { Machine } from '../../core/machine/machine.ts';
import type { EncryptionParameters, LinkEffect, LinkInput } from '../../core/machine/ppp-link-types.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { ControlPlugin } from '../../core/ports/control.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Telemetry, TunnelRole } from '../../core/ports/telemetry.ts';
import type { WallClock } from '../../core/ports/wall-clock.ts';
import type { AskedBackEnd, AskedPool } from '../containment/containment.ts';
import type { DriverHub } from './driver-hub.ts';
import type { Policies } from './policies.ts';
import type { ProfileServices } from './profiles.ts';
import type { SessionTable } from './session-table.ts';
import type { SessionWatchers } from './session-watchers.ts';
import type { Ipv6Services } from './tunnel-ipv6.ts';
import type { SessionLimits } from './tunnel-limits.ts';

/** The parts of the driver that exist before it: made by the container, shared with the stages. */
export interface DriverDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly telemetry: Telemetry;
  readonly control: ControlPlugin;
  readonly authenticators: readonly AskedBackEnd[];
  readonly addresses: AskedPool;
  readonly sessions: SessionTable;
  readonly hub: DriverHub;
  readonly stages: readonly Stage[];
  readonly sequence: SequenceStage;
  /** Absent: no IPv6 in the tunnels. */
  readonly ipv6?: Ipv6Services;
  /** What we are in the control connections; `server` when it is not said. */
  readonly role?: TunnelRole;
  readonly wallClock: WallClock;
  /** Undefined: everybody who proves who it is may come in. */
  readonly policies?: Policies | undefined;
  /** Undefined: nobody wants to know of sessions. */
  readonly watchers?: SessionWatchers | undefined;
  readonly profiles: ProfileServices;
  createLink(): Machine<LinkInput, LinkEffect>;
  /** Of a link that another process may go on with. */
  snapshotLink?(link: Machine<LinkInput, LinkEffect>): LinkSnapshot | undefined;
  restoreLink?(snapshot: LinkSnapshot): Machine<LinkInput, LinkEffect>;
  setEncryption(session: Session, parameters: EncryptionParameters | undefined): void;
}

export interface DriverOptions {
  readonly dns: readonly Ipv4[];
  readonly wins: readonly Ipv4[];
  readonly silenceMs: number;
  readonly limits?: SessionLimits;
  /** The index among several workers; undefined: there is one process. */
  readonly worker?: number;
}
