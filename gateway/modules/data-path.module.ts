import { ContainerModule, type ContainerModuleLoadOptions } from 'inversify';
import type { GreChannelOptions } from '../../core/datapath/gre-channel.ts';
import type { MppeKernel } from '../../core/datapath/mppe-kernel.ts';
import { typescriptKernel } from '../../core/datapath/mppe-kernel-typescript.ts';
import { PacketFilter } from '../../core/datapath/packet-filter.ts';
import type { FilterList } from '../../core/datapath/packet-filter-rules.ts';
import type { Session } from '../../core/datapath/session.ts';
import { NO_SHAPES, ShapeControl } from '../../core/datapath/shape-control.ts';
import { AddressStage } from '../../core/datapath/stages/address.stage.ts';
import { callDemuxStage } from '../../core/datapath/stages/call-demux.stage.ts';
import { ClientRouteStage } from '../../core/datapath/stages/client-route.stage.ts';
import { greStage } from '../../core/datapath/stages/gre.stage.ts';
import { GreWindowStage } from '../../core/datapath/stages/gre-window.stage.ts';
import { MppeStage } from '../../core/datapath/stages/mppe.stage.ts';
import { MssClampStage } from '../../core/datapath/stages/mss-clamp.stage.ts';
import { type MtuOptions, MtuStage } from '../../core/datapath/stages/mtu.stage.ts';
import { pppStage } from '../../core/datapath/stages/ppp.stage.ts';
import { SequenceStage } from '../../core/datapath/stages/sequence.stage.ts';
import { TrafficCountStage } from '../../core/datapath/stages/traffic-count.stage.ts';
import { TrafficGateStage } from '../../core/datapath/stages/traffic-gate.stage.ts';
import type { LinkRole } from '../../core/machine/ppp-link-types.ts';
import type { IpsecHook } from '../../core/ports/ipsec-hook.ts';
import { TOKENS } from '../../core/tokens.ts';
import { IpsecHooks } from '../ipsec-hooks.ts';
import type { DriverHub } from '../session/driver-hub.ts';
import {
  acknowledgmentsEntrance,
  controlFramesEntrance,
  intranetPacketsEntrance,
  peerPacketsEntrance,
} from '../session/entrances.ts';
import { GATEWAY_TOKENS } from '../tokens.ts';
import { TrafficRelease } from '../traffic-release.ts';

export interface DataPathOptions {
  readonly gre: GreChannelOptions;
  readonly checkPeerAddress: boolean;
  /** MTU of the TUN device; undefined leaves the MSS of TCP alone. */
  readonly clampToMtu: number | undefined;
  /** MTU of the TUN device, for hooks that make packets larger; undefined: what the path usually carries. */
  readonly tunnelMtu?: number;
  /** User data may go unencrypted while encryption is not up. */
  readonly clearAllowed: boolean;
  /** A server keeps each peer to its address and finds sessions by address; a client has one session. */
  readonly role: LinkRole;
  /** Role `server`: answer for packets that do not fit a peer's MRU. */
  readonly mtu?: MtuOptions;
  /** The traffic stages are wanted whether a plug-in needs them or not. */
  readonly limits?: boolean;
  /** Packet filters that profiles may name. */
  readonly filters?: Readonly<Record<string, FilterList>>;
}

/** Where the MTU of the tunnels is left to the hosts. */
const LARGEST_MTU = 1500;

/** The built-in stages; their order is their slot (core/datapath/stage.ts). */
export const dataPathModule = (options: DataPathOptions): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(GATEWAY_TOKENS.SequenceStage).toResolvedValue(
      (hub) => new SequenceStage(hub, options.gre, hub.released.asObservable()),
      [GATEWAY_TOKENS.DriverHub],
    );
    bind(TOKENS.Stage).toConstantValue(greStage);
    bind(TOKENS.Stage).toResolvedValue(
      (sessions) => callDemuxStage(sessions, { checkPeerAddress: options.checkPeerAddress }),
      [TOKENS.SessionLookup],
    );
    bind(TOKENS.Stage).toResolvedValue((stage) => stage, [GATEWAY_TOKENS.SequenceStage]);
    if (options.gre.sendWindow !== undefined) {
      bind(TOKENS.Stage).toResolvedValue(
        (hub) => new GreWindowStage(hub, hub.sent.asObservable()),
        [GATEWAY_TOKENS.DriverHub],
      );
    }
    bind(TOKENS.Stage).toResolvedValue((hub) => acknowledgmentsEntrance(hub.acks), [GATEWAY_TOKENS.DriverHub]);
    bind(TOKENS.Stage).toResolvedValue((frames) => pppStage(frames), [TOKENS.ControlFrames]);
    bind(TOKENS.Stage).toResolvedValue((hub) => controlFramesEntrance(hub.control), [GATEWAY_TOKENS.DriverHub]);
    bind(TOKENS.Stage).toResolvedValue<[DriverHub, MppeKernel[]]>(
      (hub, kernels) =>
        new MppeStage(hub, { clearAllowed: options.clearAllowed, kernel: kernels[0] ?? typescriptKernel }),
      [GATEWAY_TOKENS.DriverHub, { isMultiple: true, serviceIdentifier: TOKENS.MppeKernel }],
    );
    bindIpsec(bind, options);
    const mtu = options.clampToMtu;
    if (mtu !== undefined) bind(TOKENS.Stage).toConstantValue(new MssClampStage({ mtu }));
    if (options.role === 'client') bind(TOKENS.Stage).toConstantValue(new ClientRouteStage());
    else {
      bind(TOKENS.Stage).toResolvedValue(
        (sessions, control) => new AddressStage(sessions, control),
        [TOKENS.SessionLookup, TOKENS.ControlFrames],
      );
      bindOwnPackets(bind, options.mtu);
    }
  });

/**
 * The stages that count, limit and filter what sessions move, and who puts profiles into force there. To be loaded after
 * the plug-ins: where none of them needs it (a sink, a policy, a TrafficNeed) and the operator does not ask for them, there are no such stages.
 */
export const trafficModule = (options: DataPathOptions): ContainerModule =>
  new ContainerModule(({ bind, isBound }) => {
    const needs = [TOKENS.AccountingSink, TOKENS.SessionPolicy, TOKENS.TrafficNeed];
    const wanted = options.limits === true || needs.some((token) => isBound(token));
    if (!wanted || options.role === 'client') {
      bind(GATEWAY_TOKENS.ShapeControl).toConstantValue(NO_SHAPES);
      return;
    }

    const releases: TrafficRelease[] = [];
    const changed = (session: Session): void => {
      for (const release of releases) release.changed(session);
    };
    bind(GATEWAY_TOKENS.ShapeControl).toConstantValue(new ShapeControl(packetFilters(options.filters), true, changed));
    for (const direction of ['in', 'out'] as const) {
      bind(TOKENS.Stage).toResolvedValue(
        (clock, events) => {
          const waits = new TrafficRelease(clock);
          const stage = new TrafficGateStage(direction, { events, waits, released$: waits.released$ });
          waits.attach(stage);
          releases.push(waits);
          return stage;
        },
        [TOKENS.Clock, GATEWAY_TOKENS.DriverHub],
      );
    }
    bind(TOKENS.Stage).toResolvedValue((events) => new TrafficCountStage(events), [GATEWAY_TOKENS.DriverHub]);
  });

/** By the names that profiles use. */
export const packetFilters = (lists: DataPathOptions['filters'] = {}): ReadonlyMap<string, PacketFilter> =>
  new Map(Object.entries(lists).map(([name, list]) => [name, new PacketFilter(name, list)]));

/** The hooks, told of sessions like every listener, and what they need of the data path. */
function bindIpsec(bind: ContainerModuleLoadOptions['bind'], options: DataPathOptions): void {
  bind(GATEWAY_TOKENS.IpsecHooks).toResolvedValue<[IpsecHook[]]>(
    (hooks) => new IpsecHooks(hooks),
    [{ isMultiple: true, serviceIdentifier: TOKENS.IpsecHook }],
  );
  bind(TOKENS.SessionListener).toResolvedValue((hooks) => hooks, [GATEWAY_TOKENS.IpsecHooks]);
  bind(TOKENS.IntranetPackets).toResolvedValue((packets) => packets, [GATEWAY_TOKENS.IntranetPackets]);
  bind(TOKENS.TunnelMtu).toConstantValue(options.tunnelMtu ?? LARGEST_MTU);
}

/** Where packets that the gateway makes itself come in, and the stage that makes some of them. */
function bindOwnPackets(bind: ContainerModuleLoadOptions['bind'], mtu: MtuOptions | undefined): void {
  bind(TOKENS.Stage).toResolvedValue((packets) => peerPacketsEntrance(packets), [GATEWAY_TOKENS.PeerPackets]);
  bind(TOKENS.Stage).toResolvedValue((packets) => intranetPacketsEntrance(packets), [GATEWAY_TOKENS.IntranetPackets]);
  if (mtu === undefined) return;
  bind(TOKENS.Stage).toResolvedValue(
    (packets) => new MtuStage(mtu, (session, bytes) => packets.put(session, 0, bytes)),
    [GATEWAY_TOKENS.IntranetPackets],
  );
}
