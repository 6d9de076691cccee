import type { Server, Socket } from 'node:net';
import type { RandomCallIds } from '../../core/machine/call-ids.ts';
import { readCallIdsSnapshot } from '../../core/machine/control-snapshot.ts';
import { type InheritedDevice, isMovableDevice, type MovableDevice } from '../../core/ports/handover.ts';
import type { CallEndpoint } from '../../core/ports/ids.ts';
import type { GreSocket, TunDevice } from '../../core/ports/packet-io.ts';
import type { ConnectionSnapshot, ControlPptp } from '../../plugins/control-pptp/index.ts';
import type { HostNetwork } from '../../plugins/host-network-linux/index.ts';
import type { Driver } from '../session/driver.ts';
import type { SentTunnel, TunnelSnapshot } from '../session/tunnel-snapshot.ts';
import type { HandedParts, SentPart } from './handed-parts.ts';

export interface MovingParts {
  readonly tun: TunDevice;
  readonly gre: GreSocket;
  readonly driver: Driver;
  /** Undefined: not the gateway's own. */
  readonly control: ControlPptp | undefined;
  readonly callIds: RandomCallIds | undefined;
  /** Undefined: the operator sets up the host. */
  readonly host: HostNetwork | undefined;
  /** Parts of plug-ins that go on in another process. */
  readonly parts: HandedParts;
  /** Sentences about what else cannot be handed over. */
  readonly others: readonly string[];
}

export interface MovedConnection {
  readonly socket: Socket;
  readonly snapshot: ConnectionSnapshot;
}

/** Everything that another process needs to go on. */
export interface MovedGateway {
  readonly tunnels: readonly SentTunnel[];
  readonly connections: readonly MovedConnection[];
  readonly callIds: unknown;
  readonly networks: readonly string[];
  readonly listener: Server | undefined;
}

/** The parts of a gateway, as far as another process can go on with them. */
export class Moving {
  private readonly parts: MovingParts;
  private readonly devices: { readonly tun: MovableDevice; readonly gre: MovableDevice } | undefined;
  /** Another process has everything: nothing here is to be taken down any more. */
  gone = false;

  constructor(parts: MovingParts) {
    this.parts = parts;
    const { tun, gre } = parts;
    this.devices = isMovableDevice(tun) && isMovableDevice(gre) ? { tun, gre } : undefined;
  }

  /** Why this gateway cannot be handed over, as sentences; none: it can. */
  obstacles(): readonly string[] {
    const { others, tun, gre, control, callIds } = this.parts;
    const list = [...others];
    if (!isMovableDevice(gre))
      list.push(`The GRE driver ${gre.driver} cannot hand its socket over: use PPTP_GRE_DRIVER=batch.`);
    if (!isMovableDevice(tun)) list.push('The tunnel device is a plug-in of yours, which cannot hand it over.');
    if (control === undefined || callIds === undefined) {
      list.push('The control connections are those of a plug-in of yours, which cannot hand them over.');
    }
    return list;
  }

  /** Undefined: they are not open, or cannot be had. */
  descriptors(): { readonly tun: InheritedDevice; readonly gre: InheritedDevice } | undefined {
    const tun = this.devices?.tun.descriptor();
    const gre = this.devices?.gre.descriptor();
    return tun === undefined || gre === undefined ? undefined : { tun, gre };
  }

  /** Tunnels that are up and cannot be moved now, and how many calls are still being set up. */
  stragglers(): { readonly up: readonly CallEndpoint[]; readonly setups: number } {
    const left = this.parts.driver.snapshots().filter(({ snapshot }) => snapshot === undefined);
    return { up: left.filter(({ up }) => up).map(({ call }) => call), setups: left.filter(({ up }) => !up).length };
  }

  /** Tunnels that are up. */
  get upCount(): number {
    return this.parts.driver.views().filter(({ upAt }) => upAt !== undefined).length;
  }

  freeze(): void {
    // The last of them is the GRE socket: what the others still have to say leaves by it.
    this.devices?.tun.freeze();
    this.parts.driver.freeze();
    this.devices?.gre.freeze();
    this.parts.control?.freeze();
  }

  thaw(): void {
    this.parts.control?.thaw();
    this.parts.driver.thaw();
    this.devices?.tun.thaw();
    this.devices?.gre.thaw();
  }

  /** Before `freeze`: parts of plug-ins come to rest. Does not reject. */
  rest(): Promise<void> {
    return this.parts.parts.rest();
  }

  /** While it is frozen: parts of plug-ins let go. Rejects with UPGRADE_FAILED. */
  release(): Promise<readonly SentPart[]> {
    return this.parts.parts.release();
  }

  /** After `rest` or `release` that came to nothing, and before `thaw`. Does not reject. */
  takeBack(): Promise<void> {
    return this.parts.parts.takeBack();
  }

  /** While it is frozen. */
  take(): MovedGateway {
    const { driver, control, callIds, host } = this.parts;
    const connections = control?.snapshots() ?? [];
    const connected = new Set(
      connections.flatMap(({ snapshot }) => snapshot.machine.book.calls.map(({ localCallId }) => localCallId)),
    );
    const tunnels = driver.snapshots().flatMap(({ snapshot }) => (snapshot === undefined ? [] : [snapshot]));
    return {
      tunnels: tunnels.filter(({ call }) => connected.has(call.localCallId)),
      connections,
      callIds: callIds?.snapshot(),
      networks: host?.snapshot() ?? [],
      listener: control?.listener,
    };
  }

  /** In the process that takes over, after its start and before `restore`. Rejects with what is in the way. */
  takeOverParts(sent: readonly SentPart[]): Promise<void> {
    return this.parts.parts.takeOver(sent);
  }

  /** In the process that takes over, after its start. Returns the sessions that it could not go on with. */
  restore(
    tunnels: readonly TunnelSnapshot[],
    connections: readonly MovedConnection[],
    callIds: unknown,
    networks: readonly string[],
  ): readonly string[] {
    const { driver, control, host } = this.parts;
    driver.freeze();
    host?.restore(networks);
    const ids = readCallIdsSnapshot(callIds) ?? { resting: [] };
    const calls = connections.flatMap(({ snapshot }) => snapshot.machine.book.calls);
    this.parts.callIds?.restore(
      ids,
      calls.map(({ localCallId }) => localCallId),
    );
    const up = new Set(tunnels.map(({ call }) => call.localCallId));
    control?.restore(connections, up);
    return tunnels.filter((tunnel) => !driver.restore(tunnel)).map(({ id }) => id);
  }

  /** Serves from now on. Calls whose set-up was under way in the process before are cleared: their clients call again. */
  resume(listener: Server | undefined): void {
    const { control, driver, parts } = this.parts;
    parts.serve();
    control?.resume(listener);
    driver.thaw();
    this.devices?.tun.thaw();
    this.devices?.gre.thaw();
    for (const call of [...(control?.openCalls() ?? [])]) {
      if (!driver.has(call)) control?.clear(call, 'administrative', 'its set-up did not survive an upgrade');
    }
  }

  /** After `resume`: what the process before has set up on the host is this one's to take back. Does not reject. */
  async adoptHost(): Promise<void> {
    await this.parts.host?.adopt();
  }

  /** Another process serves: closes this one's copies of everything, without a word to anybody. */
  async abandon(): Promise<void> {
    this.gone = true;
    this.parts.control?.abandon();
    await this.parts.tun.stop();
    await this.parts.gre.stop();
    await this.parts.parts.stop();
  }
}
