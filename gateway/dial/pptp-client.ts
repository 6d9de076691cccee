import { type Observable, Subject } from 'rxjs';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { Probes } from '../../core/datapath/probe.ts';
import { RandomCallIds } from '../../core/machine/call-ids.ts';
import type { Machine } from '../../core/machine/machine.ts';
import { PASSWORD_CHANGED } from '../../core/machine/ppp-link-auth.ts';
import type { EncryptionParameters, LinkEffect, LinkInput } from '../../core/machine/ppp-link-types.ts';
import type { StartCollisions } from '../../core/machine/pptp-collision.ts';
import type { CallEvent, ClearReason } from '../../core/ports/control.ts';
import type { CallEndpoint, CallIds } from '../../core/ports/ids.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import type { PhaseSpan } from '../../core/ports/telemetry.ts';
import { after } from '../../core/time.ts';
import { TOKENS } from '../../core/tokens.ts';
import {
  type DialledPipe,
  DialPptp,
  type DialPptpOptions,
  type PipeHappening,
} from '../../plugins/control-pptp/index.ts';
import { createGateway, type Gateway, type GatewayOptions, type Platform } from '../bootstrap.ts';
import { type LoadedPlugin, withOptions } from '../plugin-loader.ts';

/** Who calls. */
export interface Account {
  readonly userName: string;
  readonly password: string;
  /** What to change the password to when the server says that it has expired. */
  readonly newPassword?: string | undefined;
}

export interface CallSetting {
  /** Announce the call as a PAC does instead of placing it. */
  readonly incoming?: boolean | undefined;
  /** In a process that takes calls, too: what the two share. */
  readonly callIds?: CallIds;
  readonly collisions?: StartCollisions;
}

/** What IPCP gave us. */
export interface ClientNetwork {
  readonly address: Ipv4;
  readonly gateway: Ipv4;
  readonly dns: readonly Ipv4[];
}

export type ClientEvent =
  | { readonly kind: 'up'; readonly network: ClientNetwork }
  | { readonly kind: 'down' }
  /** What the link says of its end; the call's end follows. */
  | { readonly kind: 'link-closed'; readonly reason: string; readonly detail: string }
  | { readonly kind: 'call-closed'; readonly reason: ClearReason; readonly detail: string }
  | { readonly kind: 'call-failed'; readonly result: string; readonly detail: string }
  /** The control connection is gone: nothing follows. */
  | { readonly kind: 'ended'; readonly established: boolean; readonly detail: string };

/** Options of a gateway turned round: the same links, stages and driver, in the other role. */
export const clientOptions = ({ dataPath, session }: GatewayOptions, account: Account): GatewayOptions => {
  // A client hands out neither addresses nor prefixes.
  const { ipv6: _, ...shared } = session;
  return {
    dataPath: { ...dataPath, role: 'client', checkPeerAddress: true },
    session: {
      ...shared,
      driver: { ...session.driver, dns: [], wins: [] },
      pool: undefined,
      link: {
        ...session.link,
        role: 'client',
        ipv6: false,
        localName: account.userName,
        password: account.password,
        ...(account.newPassword === undefined ? {} : { newPassword: account.newPassword }),
      },
    },
  };
};

/** Short enough that a hang-up is over within five seconds, whatever the server does. */
const CONTROL: Omit<DialPptpOptions, 'incoming'> = { maxCalls: 1, stopTimeoutMs: 1_200 };
/** How long LCP's Terminate-Request has to be acknowledged, in ms. */
const TERMINATE_MS = 1_500;

/** Failures of a set-up phase that a link goes on with. */
const HARMLESS: ReadonlySet<string> = new Set(['renegotiated', 'not-encrypted']);

/**
 * A PPTP client: the gateway in the other role, with one call on one control connection. It ends with its call; a new
 * call wants a new object.
 */
export class PptpClient {
  readonly events$: Observable<ClientEvent>;
  /** The server has taken the new password. */
  readonly passwordChanged$: Observable<void>;
  network: ClientNetwork | undefined;
  encryption: EncryptionParameters | undefined;
  call: CallEndpoint | undefined;
  /** The largest information field that the server takes, in octets. */
  peerMru = 1500;
  /** What the link is ending for, before it has ended: a server may end the call in the same moment. */
  failing: { readonly reason: string; readonly detail: string } | undefined;
  /** A PPP frame has arrived: GRE gets through. */
  heard = false;
  private readonly events = new Subject<ClientEvent>();
  private readonly passwordChanges = new Subject<void>();
  private readonly platform: Platform;
  private readonly control: DialPptp;
  private readonly gateway: Gateway;
  private stopping: Promise<void> | undefined;

  /** `plugins` bring the devices and the authentication methods; `line` leads to the server's control port. */
  constructor(
    platform: Platform,
    options: GatewayOptions,
    plugins: readonly LoadedPlugin[],
    line: DialledPipe,
    { incoming = false, callIds, collisions }: CallSetting = {},
  ) {
    const { clock, log, random } = platform;
    this.platform = platform;
    this.events$ = this.events.asObservable();
    this.passwordChanged$ = this.passwordChanges.asObservable();
    const ids = callIds ?? new RandomCallIds({ random, now: () => clock.now() });
    const shared = collisions === undefined ? {} : { collisions };
    this.control = new DialPptp({ clock, log, random, callIds: ids, ...shared }, { ...CONTROL, incoming }, line);
    const control = definePlugin({
      name: this.control.name,
      api: PLUGIN_API,
      register: ({ bind }) => void bind(TOKENS.Control).toConstantValue(this.control),
    });
    const session = { ...options.session, watchLink: (link: Machine<LinkInput, LinkEffect>) => this.watched(link) };
    this.gateway = createGateway(platform, { ...options, session }, [...plugins, withOptions(control, undefined)]);
  }

  /** Name of the tunnel device, known after `start`. */
  get tunName(): string {
    return this.gateway.tunName();
  }

  /** Where packet traces look at packets. */
  get probes(): Probes {
    return this.gateway.probes;
  }

  /** The span of a change of the host for the tunnel. */
  hostChange(): PhaseSpan | undefined {
    const [view] = this.gateway.tunnels();
    return view && this.gateway.later(view.session, 'routes');
  }

  /** Opens the devices and places the call. Rejects when a device cannot be opened. */
  async start(died: (device: string, cause: unknown) => void = () => undefined): Promise<void> {
    this.control.calls$.subscribe((event) => this.onCall(event));
    this.control.happenings$.subscribe((happening) => this.onHappening(happening));
    await this.gateway.start(died);
  }

  /** Clears the call and leaves the control connection open. */
  hangUp(): void {
    if (this.call !== undefined) this.control.clear(this.call, 'administrative', 'hung up');
  }

  /** Hangs up in order (LCP Terminate, Call-Clear, Stop-Control-Connection), within five seconds, and closes the devices. */
  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  private async end(): Promise<void> {
    if (this.call !== undefined) await this.terminate();
    await this.gateway.stop();
    this.events.complete();
    this.passwordChanges.complete();
  }

  private terminate(): Promise<void> {
    const { clock } = this.platform;
    return new Promise((resolve) => {
      const cancel = clock.schedule(after(clock.now(), TERMINATE_MS), () => {
        subscription.unsubscribe();
        resolve();
      });
      const subscription = this.control.calls$.subscribe((event) => {
        if (event.kind !== 'closed') return;
        cancel();
        subscription.unsubscribe();
        resolve();
      });
      this.gateway.hangUp('hung up');
    });
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

  private onHappening(happening: PipeHappening): void {
    if (happening.kind === 'call-failed' || happening.kind === 'ended') this.events.next(happening);
  }

  /** The driver executes the effects; we only look at them as they pass. */
  private watched(link: Machine<LinkInput, LinkEffect>): Machine<LinkInput, LinkEffect> {
    const watch = (effects: readonly LinkEffect[]): readonly LinkEffect[] => {
      for (const effect of effects) this.notice(effect);
      return effects;
    };
    return {
      handle: (input, now) => {
        if (input.kind === 'frame') this.heard = true;
        return watch(link.handle(input, now));
      },
      nextTimeout: () => link.nextTimeout(),
      handleTimeout: (now) => watch(link.handleTimeout(now)),
    };
  }

  private notice(effect: LinkEffect): void {
    if (effect.kind === 'encryption') this.encryption = effect.parameters;
    else if (effect.kind === 'phase') {
      if (effect.state === 'failed' && !HARMLESS.has(effect.error)) {
        this.failing = { reason: effect.error, detail: effect.detail };
      }
    } else if (effect.kind === 'note') {
      if (effect.event === 'lcp.peer-terminated') this.failing ??= { reason: 'peer-terminated', detail: effect.detail };
      if (effect.event === PASSWORD_CHANGED) this.passwordChanges.next();
    } else if (effect.kind === 'framing') this.peerMru = effect.framing.peerMru;
    else if (effect.kind === 'closed') this.events.next({ ...effect, kind: 'link-closed' });
    else if (effect.kind === 'network') {
      const { network } = effect;
      if (network !== undefined) this.failing = undefined;
      this.network =
        network === undefined
          ? undefined
          : { address: network.localAddress, gateway: network.peerAddress, dns: network.dns };
      this.events.next(this.network === undefined ? { kind: 'down' } : { kind: 'up', network: this.network });
    }
  }
}
