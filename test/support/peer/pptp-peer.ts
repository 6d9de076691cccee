import { type Observable, Subject } from 'rxjs';
import type { Ipv4 } from '../../../core/bytes/ipv4-address.ts';
import { formatIpv4, ipv4 } from '../../../core/bytes/ipv4-address.ts';
import type { GreChannelOptions } from '../../../core/datapath/gre-channel.ts';
import { setEncryption } from '../../../core/datapath/mppe-state.ts';
import { RandomCallIds } from '../../../core/machine/call-ids.ts';
import type { Machine } from '../../../core/machine/machine.ts';
import { PppLink } from '../../../core/machine/ppp-link.ts';
import type { EncryptionParameters, LinkEffect, LinkInput, LinkOptions } from '../../../core/machine/ppp-link-types.ts';
import type { ControlOptions } from '../../../core/machine/pptp-control-types.ts';
import type { AddressPool } from '../../../core/ports/addresses.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { CallEvent } from '../../../core/ports/control.ts';
import type { CallEndpoint } from '../../../core/ports/ids.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { GreSocket, TunDevice } from '../../../core/ports/packet-io.ts';
import type { RandomSource } from '../../../core/ports/random.ts';
import type { Telemetry } from '../../../core/ports/telemetry.ts';
import { Pipeline } from '../../../gateway/pipeline.ts';
import { Driver, DriverHub } from '../../../gateway/session/driver.ts';
import { Outbox } from '../../../gateway/session/outbox.ts';
import { SessionTable } from '../../../gateway/session/session-table.ts';
import type { BytePipe } from './byte-pipe.ts';
import { clientStages } from './client-stages.ts';
import { PipeControl } from './pipe-control.ts';

export interface PeerDeps {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
  readonly telemetry: Telemetry;
  readonly gre: GreSocket;
  readonly tun: TunDevice;
}

export interface PeerOptions {
  /** Outer addresses: ours and the server's. */
  readonly local: Ipv4;
  readonly server: Ipv4;
  readonly gre: GreChannelOptions;
  /** `localName` is the user name. */
  readonly link: Omit<LinkOptions, 'role' | 'random'>;
  readonly control?: Partial<Omit<ControlOptions, 'role'>>;
}

/** What IPCP gave us. */
export interface PeerNetwork {
  readonly address: Ipv4;
  readonly gateway: Ipv4;
  readonly dns: readonly Ipv4[];
}

export type PeerEvent =
  | { readonly kind: 'up'; readonly network: PeerNetwork }
  | { readonly kind: 'down' }
  /** What the link says of its end; the call's end follows. */
  | { readonly kind: 'link-closed'; readonly reason: string; readonly detail: string }
  | { readonly kind: 'call-closed'; readonly reason: string; readonly detail: string };

const OUTBOX_CAPACITY = 128;
/** A client is given its address and gives none. */
const NO_ADDRESSES: AddressPool = {
  gatewayAddress: ipv4(0),
  lease: () => ({ ok: false, why: 'exhausted' }),
  release: () => undefined,
};

/**
 * A PPTP client: the gateway's machines, driver and pipeline in the other role, with one call on one control
 * connection. It ends with its call; a new call wants a new object.
 */
export class PptpPeer {
  readonly events$: Observable<PeerEvent>;
  network: PeerNetwork | undefined;
  encryption: EncryptionParameters | undefined;
  call: CallEndpoint | undefined;
  private readonly events = new Subject<PeerEvent>();
  private readonly deps: PeerDeps;
  private readonly options: PeerOptions;
  private readonly control: PipeControl;
  private readonly driver: Driver;
  private readonly pipeline: Pipeline;

  constructor(deps: PeerDeps, options: PeerOptions) {
    const { clock, log, telemetry, random } = deps;
    this.deps = deps;
    this.options = options;
    this.events$ = this.events.asObservable();
    const callIds = new RandomCallIds({ random, now: () => clock.now() });
    this.control = new PipeControl({ clock, log, random, callIds }, { ...options.control, role: 'pns' });
    const outbox = (name: string): Outbox => new Outbox(name, OUTBOX_CAPACITY, clock, telemetry);
    const hub = new DriverHub(outbox('control-frames'), outbox('acknowledgments'));
    const sessions = new SessionTable();
    const clearAllowed = options.link.encryption !== 'required';
    const { stages, sequence } = clientStages(hub, sessions, { gre: options.gre, clearAllowed });
    this.driver = new Driver(
      {
        clock,
        log,
        telemetry,
        control: this.control,
        authenticators: [],
        addresses: NO_ADDRESSES,
        sessions,
        hub,
        stages,
        sequence,
        createLink: () => this.watched(new PppLink({ ...options.link, role: 'client', random })),
        setEncryption,
      },
      { dns: [], wins: [], silenceMs: 10_000 },
    );
    this.pipeline = new Pipeline(deps.gre, deps.tun, stages, clock, telemetry);
  }

  /** Places the call; `pipe` leads to the server's control port. Rejects when a device cannot be opened. */
  async dial(pipe: BytePipe): Promise<void> {
    const { signal } = new AbortController();
    await this.deps.tun.start(signal);
    await this.deps.gre.start(signal);
    this.pipeline.start((device, cause) => this.deps.log.error('device.died', `${device} failed`, { cause }));
    await this.driver.start();
    this.control.calls$.subscribe((event) => this.onCall(event));
    const { local, server } = this.options;
    this.control.attach(pipe, { local, peer: server, peerName: formatIpv4(server) });
  }

  /** Clears the call and leaves the control connection open. */
  hangUp(): void {
    if (this.call !== undefined) this.control.clear(this.call, 'administrative', 'hung up');
  }

  async stop(): Promise<void> {
    await this.control.stop();
    await this.driver.stop();
    this.pipeline.stop();
    await this.deps.gre.stop();
    await this.deps.tun.stop();
    this.events.complete();
  }

  private onCall(event: CallEvent): void {
    if (event.kind === 'opened') this.call = event.call;
    else if (event.kind === 'closed') {
      this.call = undefined;
      this.network = undefined;
      this.encryption = undefined;
      this.events.next({ kind: 'call-closed', reason: event.reason, detail: event.detail });
    }
  }

  /** The driver executes the effects; we only look at them as they pass. */
  private watched(link: Machine<LinkInput, LinkEffect>): Machine<LinkInput, LinkEffect> {
    const watch = (effects: readonly LinkEffect[]): readonly LinkEffect[] => {
      for (const effect of effects) this.notice(effect);
      return effects;
    };
    return {
      handle: (input, now) => watch(link.handle(input, now)),
      nextTimeout: () => link.nextTimeout(),
      handleTimeout: (now) => watch(link.handleTimeout(now)),
    };
  }

  private notice(effect: LinkEffect): void {
    if (effect.kind === 'encryption') this.encryption = effect.parameters;
    else if (effect.kind === 'closed') this.events.next({ ...effect, kind: 'link-closed' });
    else if (effect.kind === 'network') {
      const { network } = effect;
      this.network =
        network === undefined
          ? undefined
          : { address: network.localAddress, gateway: network.peerAddress, dns: network.dns };
      this.events.next(this.network === undefined ? { kind: 'down' } : { kind: 'up', network: this.network });
    }
  }
}
