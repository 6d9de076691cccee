import type { MppeKeyMaterial } from '../ports/auth.ts';
import type { ProfileEncryption } from '../ports/profile.ts';
import { after, type Instant } from '../time.ts';
import { IPV6_LEAST_MTU } from '../wire/ipv6.ts';
import { MPPE_OVERHEAD } from '../wire/mppe-header.ts';
import { PPP } from '../wire/ppp.ts';
import { CODE } from '../wire/ppp-config.ts';
import { Ccp, type CcpEvents } from './ccp.ts';
import { Ipcp, type IpcpEvents } from './ipcp.ts';
import type { IpcpResult } from './ipcp-options.ts';
import { Ipv6cp, type Ipv6cpEvents } from './ipv6cp.ts';
import type { InterfaceIds } from './ipv6cp-options.ts';
import type { NetworkSnapshot } from './link-snapshot.ts';
import type { NegotiationState } from './negotiation-table.ts';
import type { Failure } from './negotiation-types.ts';
import type { PhaseLog } from './ppp-link-phases.ts';
import type {
  EncryptionParameters,
  EncryptionPolicy,
  LinkEffect,
  LinkOptions,
  NetworkProfile,
} from './ppp-link-types.ts';
import type { TimersOf } from './timer-table.ts';

export type NetworkTimer = 'ccp' | 'ipcp' | 'ipv6cp' | 'ccp-grace' | 'network';

export interface NetworkHost {
  emit(effect: LinkEffect): void;
  fail(failure: Failure): void;
  readonly peerMru: number;
}

const NO_NETWORK: Failure = { reason: 'negotiation-failed', detail: 'no network protocol is open on this link' };
const NO_CCP: Failure = { reason: 'encryption-required', detail: 'CCP did not come up in time' };

/** A Configure-Request longer than this is not worth keeping. */
const MAX_HELD = 512;

/**
 * The network-layer protocol phase: CCP and IPCP, and which waits for which. While encryption is required or preferred
 * IPCP starts only when CCP is done, since peers that insist on MPPE turn an earlier Configure-Request away and then
 * three seconds are lost. The peer's own early requests are kept, the last of each, and answered when their turn comes.
 *
 * The methods of `CcpEvents`, `IpcpEvents` and `Ipv6cpEvents` are for the three protocols.
 */
export class NetworkPhase implements CcpEvents, IpcpEvents, Ipv6cpEvents {
  /** Those of the link, narrowed by the profile. */
  #options: LinkOptions;
  readonly #linkOptions: LinkOptions;
  readonly #timers: TimersOf<NetworkTimer>;
  readonly #phases: PhaseLog;
  readonly #host: NetworkHost;
  /** By protocol; undefined when there is none. */
  #held: Map<number, Uint8Array> | undefined;
  #running = false;
  #profile: NetworkProfile | undefined;
  #keys: MppeKeyMaterial | undefined;
  #ccp: Ccp | undefined;
  #ipcp: Ipcp | undefined;
  #ipv6cp: Ipv6cp | undefined;
  #encrypted = false;
  #now: Instant;

  constructor(options: LinkOptions, timers: TimersOf<NetworkTimer>, phases: PhaseLog, host: NetworkHost, now: Instant) {
    this.#linkOptions = options;
    this.#options = options;
    this.#timers = timers;
    this.#phases = phases;
    this.#host = host;
    this.#now = now;
  }

  /** `profile` is what a server assigns; a client has none. */
  start(profile: NetworkProfile | undefined, keys: MppeKeyMaterial | undefined, now: Instant): void {
    this.#now = now;
    this.#running = true;
    this.#profile = profile;
    this.#keys = keys;
    this.#options = narrowed(this.#linkOptions, profile?.encryption);
    const policy = this.#options.encryption;
    if (keys === undefined && policy === 'required') {
      const detail = 'encryption is required, but the authentication that was agreed on yields no MPPE keys';
      this.#host.fail({ reason: 'encryption-required', detail });
      return;
    }
    this.#timers.set('network', after(now, this.#patienceMs));
    if (this.#ccpComesFirst(policy)) {
      this.#startCcp();
      if (policy !== 'required') this.#timers.set('ccp-grace', after(now, 2 * this.#options.restartMs));
    } else {
      this.#startIpcp();
    }
    const early = this.#takeHeld(PPP.ccp);
    if (early !== undefined && this.#running) this.#receiveCcp(early);
  }

  /** LCP left Opened: everything here is void. */
  stop(now: Instant): void {
    this.#now = now;
    this.#running = false;
    this.#held = undefined;
    const [ccp, ipcp, ipv6cp] = [this.#ccp, this.#ipcp, this.#ipv6cp];
    this.#ccp = undefined;
    this.#ipcp = undefined;
    this.#ipv6cp = undefined;
    ipv6cp?.lowerDown(now);
    ipcp?.lowerDown(now);
    ccp?.lowerDown(now);
    for (const timer of ['ccp', 'ipcp', 'ipv6cp', 'ccp-grace', 'network'] as const) this.#timers.clear(timer);
  }

  /** Undefined: it does not run, or is a client's. */
  snapshot(): NetworkSnapshot | undefined {
    const ipcp = this.#ipcp?.snapshot();
    if (!this.#running || this.#profile === undefined || (this.#ipcp !== undefined && ipcp === undefined)) {
      return undefined;
    }
    return {
      held: [...(this.#held ?? [])].map(([protocol, frame]) => ({ protocol, frame })),
      profile: wholeProfile(this.#profile),
      ccp: this.#ccp?.snapshot(),
      ipcp,
      ipv6cp: this.#ipv6cp?.snapshot(),
      encrypted: this.#encrypted,
      now: this.#now,
    };
  }

  restore(snapshot: NetworkSnapshot, keys: MppeKeyMaterial | undefined): void {
    const { held, ccp, ipcp, ipv6cp } = snapshot;
    this.#now = snapshot.now;
    this.#running = true;
    const profile = profileOf(snapshot.profile);
    this.#profile = profile;
    this.#keys = keys;
    this.#options = narrowed(this.#linkOptions, profile.encryption);
    this.#encrypted = snapshot.encrypted;
    this.#held = held.length === 0 ? undefined : new Map(held.map(({ protocol, frame }) => [protocol, frame]));
    if (ccp !== undefined) {
      this.#ccp = new Ccp(this.#options, keys, this, this.#timers.handle('ccp'), snapshot.now);
      this.#ccp.restore(ccp);
    }
    if (ipcp !== undefined) {
      this.#ipcp = new Ipcp(this.#options, profile, this, this.#timers.handle('ipcp'));
      this.#ipcp.restore(ipcp);
    }
    if (ipv6cp !== undefined) {
      this.#ipv6cp = new Ipv6cp(this.#options, profile.ipv6 ?? {}, this, this.#timers.handle('ipv6cp'));
      this.#ipv6cp.restore(ipv6cp);
    }
  }

  /** False when the protocol is none of ours. */
  receive(protocol: number, frame: Uint8Array, now: Instant): boolean {
    this.#now = now;
    if (protocol === PPP.ccp) {
      if (this.#running) this.#receiveCcp(frame);
      else this.#hold(protocol, frame);
      return true;
    }
    if (protocol === PPP.ipv6cp) return this.#receiveIpv6cp(frame);
    if (protocol !== PPP.ipcp) return false;
    if (this.#ipcp === undefined) this.#hold(protocol, frame);
    else this.#ipcp.receive(frame, now);
    return true;
  }

  protocolRejected(protocol: number, now: Instant): void {
    this.#now = now;
    if (protocol === PPP.ccp) this.#ccp?.protocolRejected(now);
    else if (protocol === PPP.ipcp) this.#ipcp?.protocolRejected(now);
    else if (protocol === PPP.ipv6cp) this.#ipv6cp?.protocolRejected(now);
  }

  /** The data path waits for a FLUSHED packet. */
  resetNeeded(now: Instant): void {
    this.#now = now;
    this.#ccp?.requestReset(now);
  }

  handleTimer(timer: NetworkTimer, now: Instant): void {
    this.#now = now;
    if (timer === 'ccp') this.#ccp?.timeout(now);
    else if (timer === 'ipcp') this.#ipcp?.timeout(now);
    else if (timer === 'ipv6cp') this.#ipv6cp?.timeout(now);
    else if (timer === 'ccp-grace') this.#startIpcp();
    else this.#host.fail(this.#lacksEncryption ? NO_CCP : NO_NETWORK);
  }

  /** A link that is not whole any more has some time to become so again. */
  #watch(): void {
    this.#timers.set('network', after(this.#now, this.#patienceMs));
  }

  #stopWatch(): void {
    if (this.#ipcp?.state === 'Opened' && !this.#lacksEncryption) this.#timers.clear('network');
  }

  get #lacksEncryption(): boolean {
    return this.#options.encryption === 'required' && !this.#encrypted;
  }

  #ccpComesFirst(policy: EncryptionPolicy): boolean {
    if (policy === 'required' || this.#options.mppc === 'prefer') return true;
    return policy === 'preferred' && this.#keys !== undefined;
  }

  /** Under the other policies CCP begins when the peer does. */
  #receiveCcp(frame: Uint8Array): void {
    if (this.#ccp === undefined) {
      if (frame[0] !== CODE.configureRequest) {
        this.#host.emit({ kind: 'ignored', protocol: PPP.ccp, why: 'ccp-not-started' });
        return;
      }
      this.#startCcp();
    }
    this.#ccp?.receive(frame, this.#now);
  }

  #hold(protocol: number, frame: Uint8Array): void {
    const keep = frame[0] === CODE.configureRequest && frame.length <= MAX_HELD;
    if (keep) {
      this.#held ??= new Map();
      this.#held.set(protocol, frame.slice());
    }
    // A Terminate-Request takes back what was asked before.
    else if (frame[0] === CODE.terminateRequest) this.#held?.delete(protocol);
    this.#host.emit({ kind: 'ignored', protocol, why: keep ? 'held-until-its-turn' : 'ncp-not-started' });
  }

  #takeHeld(protocol: number): Uint8Array | undefined {
    const frame = this.#held?.get(protocol);
    this.#held?.delete(protocol);
    if (this.#held?.size === 0) this.#held = undefined;
    return frame;
  }

  #startCcp(): void {
    this.#phases.begin('ccp');
    this.#ccp = new Ccp(this.#options, this.#keys, this, this.#timers.handle('ccp'), this.#now);
    this.#ccp.start(this.#now);
  }

  #ccpDone(): void {
    if (this.#ipcp === undefined) this.#startIpcp();
    else this.#ipcp.repeatIfRefused(this.#now);
    this.#ipv6cp?.repeatIfRefused(this.#now);
  }

  #startIpcp(): void {
    if (this.#ipcp !== undefined || !this.#running) return;
    this.#timers.clear('ccp-grace');
    this.#phases.begin('ipcp');
    this.#ipcp = new Ipcp(this.#options, this.#profile, this, this.#timers.handle('ipcp'));
    this.#ipcp.start(this.#now);
    const early = this.#takeHeld(PPP.ipcp);
    if (early !== undefined) this.#ipcp?.receive(early, this.#now);
    this.#startIpv6cp();
  }

  /** Beside IPCP, and independent of it. */
  #startIpv6cp(): void {
    if (!this.#running || !this.#offersIpv6) return;
    this.#phases.begin('ipv6cp');
    this.#ipv6cp = new Ipv6cp(this.#options, this.#profile?.ipv6 ?? {}, this, this.#timers.handle('ipv6cp'));
    this.#ipv6cp.start(this.#now);
    const early = this.#takeHeld(PPP.ipv6cp);
    if (early !== undefined) this.#ipv6cp?.receive(early, this.#now);
  }

  /** False: the peer gets a Protocol-Reject. */
  #receiveIpv6cp(frame: Uint8Array): boolean {
    if (this.#ipv6cp !== undefined) this.#ipv6cp.receive(frame, this.#now);
    else if (this.#options.ipv6 !== true || (this.#running && !this.#offersIpv6)) return false;
    else this.#hold(PPP.ipv6cp, frame);
    return true;
  }

  get #offersIpv6(): boolean {
    const { role, ipv6 } = this.#options;
    const configured = ipv6 === true && (role === 'client' || this.#profile?.ipv6 !== undefined);
    return configured && this.#host.peerMru - MPPE_OVERHEAD >= IPV6_LEAST_MTU;
  }

  get peerMru(): number {
    return this.#host.peerMru;
  }

  send(protocol: number, bytes: Uint8Array): void {
    this.#host.emit({ kind: 'send', protocol, bytes });
  }

  ignored(protocol: number, why: string): void {
    this.#host.emit({ kind: 'ignored', protocol, why });
  }

  note(event: string, detail: string): void {
    this.#host.emit({ kind: 'note', event, detail });
  }

  failed(failure: Failure): void {
    this.#host.fail(failure);
  }

  ccpUp(parameters: EncryptionParameters | undefined): void {
    this.#encrypted = parameters !== undefined;
    this.#host.emit({ kind: 'encryption', parameters });
    this.#phases.done('ccp');
    this.#stopWatch();
    this.#ccpDone();
  }

  flush(): void {
    this.#host.emit({ kind: 'flush' });
  }

  ccpDown(): void {
    if (this.#encrypted) this.#host.emit({ kind: 'encryption', parameters: undefined });
    this.#encrypted = false;
    if (this.#lacksEncryption) this.#watch();
    if (negotiates(this.#ccp?.state)) this.#phases.begin('ccp');
  }

  ccpFinished(detail: string): void {
    this.#phases.failed('ccp', 'not-encrypted', detail);
    this.#host.emit({ kind: 'note', event: 'ccp.not-encrypted', detail });
    this.#ccpDone();
  }

  ipcpUp(network: IpcpResult): void {
    this.#stopWatch();
    this.#host.emit({ kind: 'network', network });
    this.#phases.done('ipcp');
  }

  ipcpDown(): void {
    this.#host.emit({ kind: 'network', network: undefined });
    this.#watch();
    if (negotiates(this.#ipcp?.state)) this.#phases.begin('ipcp');
  }

  ipcpTerminated(): void {
    this.#phases.failed('ipcp', 'peer-terminated', 'the peer closed IPCP');
  }

  ipv6cpUp(ids: InterfaceIds): void {
    const prefix = this.#profile?.ipv6?.prefix;
    this.#host.emit({ kind: 'ipv6', ipv6: prefix === undefined ? ids : { ...ids, prefix } });
    this.#phases.done('ipv6cp');
  }

  ipv6cpDown(): void {
    this.#host.emit({ kind: 'ipv6', ipv6: undefined });
    if (negotiates(this.#ipv6cp?.state)) this.#phases.begin('ipv6cp');
  }

  ipv6cpFinished(detail: string): void {
    this.#phases.failed('ipv6cp', 'no-ipv6', detail);
  }

  /** How long a link may be without an open network protocol, in ms. */
  get #patienceMs(): number {
    return 2 * this.#options.maxConfigure * this.#options.restartMs;
  }
}

const wholeProfile = ({ ipv6, encryption, ...rest }: NetworkProfile): NetworkSnapshot['profile'] => ({
  ...rest,
  ipv6: ipv6 && { ...ipv6, peerInterfaceId: ipv6.peerInterfaceId },
  encryption: encryption && { required: encryption.required, strengths: encryption.strengths },
});

const profileOf = ({ ipv6, encryption, ...rest }: NetworkSnapshot['profile']): NetworkProfile => ({
  ...rest,
  ...(ipv6 === undefined ? {} : { ipv6: withoutHoles(ipv6) }),
  ...(encryption === undefined ? {} : { encryption: narrowedBy(encryption) }),
});

const withoutHoles = ({ peerInterfaceId, ...rest }: NonNullable<NetworkSnapshot['profile']['ipv6']>) => ({
  ...rest,
  ...(peerInterfaceId === undefined ? {} : { peerInterfaceId }),
});

const narrowedBy = ({
  required,
  strengths,
}: NonNullable<NetworkSnapshot['profile']['encryption']>): ProfileEncryption => ({
  required,
  ...(strengths === undefined ? {} : { strengths }),
});

/** The options themselves where the profile says nothing: very many links share them. */
const narrowed = (options: LinkOptions, encryption: ProfileEncryption | undefined): LinkOptions => {
  if (encryption === undefined) return options;
  const { required, strengths } = encryption;
  return {
    ...options,
    encryption: required ? 'required' : options.encryption,
    mppeStrengths:
      strengths === undefined
        ? options.mppeStrengths
        : options.mppeStrengths.filter((strength) => strengths.includes(strength)),
  };
};

const negotiates = (state: NegotiationState | undefined): boolean =>
  state === 'Req-Sent' || state === 'Ack-Rcvd' || state === 'Ack-Sent';
