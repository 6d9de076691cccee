import type { ServiceIdentifier } from 'inversify';
import type { ShapeControl } from '../core/datapath/shape-control.ts';
import type { SequenceStage } from '../core/datapath/stages/sequence.stage.ts';
import type { Containment } from './containment/containment.ts';
import type { IpsecHooks } from './ipsec-hooks.ts';
import type { Brought } from './plugins/bindings.ts';
import type { Driver } from './session/driver.ts';
import type { DriverHub } from './session/driver-hub.ts';
import type { InnerNetworks } from './session/inner-networks.ts';
import type { Outbox } from './session/outbox.ts';
import type { PrefixPool } from './session/prefix-pool.ts';
import type { SessionTable } from './session/session-table.ts';

/** Services of the composition root that plug-ins have no business with. */
export const GATEWAY_TOKENS = {
  /** Guards what plug-ins bound. */
  Containment: Symbol('Containment') as ServiceIdentifier<Containment>,
  Brought: Symbol('Brought') as ServiceIdentifier<Brought>,
  Driver: Symbol('Driver') as ServiceIdentifier<Driver>,
  DriverHub: Symbol('DriverHub') as ServiceIdentifier<DriverHub>,
  SessionTable: Symbol('SessionTable') as ServiceIdentifier<SessionTable>,
  /** IP packets that the gateway itself sends to a peer, and about a peer to the intranet. */
  PeerPackets: Symbol('PeerPackets') as ServiceIdentifier<Outbox>,
  IntranetPackets: Symbol('IntranetPackets') as ServiceIdentifier<Outbox>,
  /** Bound where tunnels carry IPv6. */
  PrefixPool: Symbol('PrefixPool') as ServiceIdentifier<PrefixPool>,
  IpsecHooks: Symbol('IpsecHooks') as ServiceIdentifier<IpsecHooks>,
  InnerNetworks: Symbol('InnerNetworks') as ServiceIdentifier<InnerNetworks>,
  SequenceStage: Symbol('SequenceStage') as ServiceIdentifier<SequenceStage>,
  /** What profiles say of traffic; always bound. */
  ShapeControl: Symbol('ShapeControl') as ServiceIdentifier<ShapeControl>,
} as const;
