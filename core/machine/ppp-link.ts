import type { AuthInput, MppeKeyMaterial } from '../ports/auth.ts';
import type { UserProfile } from '../ports/profile.ts';
import { after, earliest, type Instant, instant } from '../time.ts';
import { describeProtocol, isNetworkControl, PPP } from '../wire/ppp.ts';
import { Lcp, type LcpEvents } from './lcp.ts';
import type { LinkSnapshot } from './link-snapshot.ts';
import type { Machine } from './machine.ts';
import type { Failure } from './negotiation-types.ts';
import { AuthPhase, type AuthPhaseEvents, WHY_REFUSED } from './ppp-link-auth.ts';
import { FAREWELL } from './ppp-link-farewell.ts';
import { type NetworkHost, NetworkPhase, type NetworkTimer } from './ppp-link-network.ts';
import { type LinkPhase, PhaseLog } from './ppp-link-phases.ts';
import type { LinkEffect, LinkInput, LinkOptions, NetworkProfile } from './ppp-link-types.ts';
import { TimerTable } from './timer-table.ts';

type Timer = NetworkTimer | 'lcp' | 'echo' | 'establish' | 'auth' | 'authorize';

const NONE: readonly LinkEffect[] = [];

/** One PPP link, from the call's start to its end, in either role. `closed` is the last effect there is. */
export class PppLink implements Machine<LinkInput, LinkEffect> {
  /** What the parts of the link report to; not for those who use the link. */
  static readonly #Parts = class implements LcpEvents, AuthPhaseEvents, NetworkHost {
    readonly #link: PppLink;

    constructor(link: PppLink) {
      this.#link = link;
    }

    get peerMru(): number {
      return this.#link.#lcp.peerMru;
    }

    emit(effect: LinkEffect): void {
      this.#link.#emit(effect);
    }

    send(protocol: number, bytes: Uint8Array): void {
      this.#link.#emit({ kind: 'send', protocol, bytes });
    }

    ignored(protocol: number, why: string): void {
      this.#link.#ignore(protocol, why);
    }

    note(event: string, detail: string): void {
      this.#link.#emit({ kind: 'note', event, detail });
    }

    up(): void {
      this.#link.#lcpUp();
    }

    down(): void {
      this.#link.#lcpDown();
    }

    finished(): void {
      this.#link.#lcpFinished();
    }

    failed(failure: Failure): void {
      this.#link.#fail(failure);
    }

    fail(failure: Failure): void {
      this.#link.#fail(failure);
    }

    peerTerminated(text: string): void {
      this.#link.#peerTerminated(text);
    }

    protocolRejected(protocol: number): void {
      this.#link.#protocolRejected(protocol);
    }

    accepted(method: string, identity: string, profile: UserProfile, keys: MppeKeyMaterial | undefined): void {
      this.#link.#accepted(method, identity, profile, keys);
    }

    refused(detail: string): void {
      this.#link.#fail({ reason: 'authentication-failed', detail });
    }
  };

  readonly #options: LinkOptions;
  readonly #timers = new TimerTable<Timer>();
  readonly #phases: PhaseLog;
  readonly #lcp: Lcp;
  readonly #auth: AuthPhase;
  readonly #network: NetworkPhase;

  #phase: LinkPhase = 'dead';
  #now: Instant = instant(0);
  #out: LinkEffect[] = [];
  #ending: Failure | undefined;
  #heard = false;
  #peerSaidGoodbye = '';
  /** Why the last attempt to authenticate failed; many peers hang up instead of trying again. */
  #lastDenial = '';
  #keys: MppeKeyMaterial | undefined;
  /** `authenticated` effects whose `authorize` has not come; only the answer to the last one counts. */
  #owed = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    const parts = new PppLink.#Parts(this);
    this.#phases = new PhaseLog(parts);
    this.#auth = new AuthPhase(options, parts);
    this.#lcp = new Lcp(options, parts, this.#timers.handle('lcp'), this.#timers.handle('echo'));
    this.#network = new NetworkPhase(options, this.#timers, this.#phases, parts, this.#now);
  }

  /** A link of these options that goes on where another one was. The clock is the same, too. */
  static restored(options: LinkOptions, snapshot: LinkSnapshot): PppLink {
    const link = new PppLink(options);
    link.#restore(snapshot);
    return link;
  }

  /**
   * Of a link whose network phase has begun and that does not end: undefined of any other, and of a client. Between
   * inputs.
   */
  snapshot(): LinkSnapshot | undefined {
    const auth = this.#auth.snapshot();
    const network = this.#phase === 'network' && this.#ending === undefined ? this.#network.snapshot() : undefined;
    if (auth === undefined || network === undefined) return undefined;
    const keys = this.#keys;
    return {
      now: this.#now,
      lcp: this.#lcp.snapshot(),
      auth,
      network,
      timers: this.#timers.all(),
      phases: [...this.#phases.open],
      lastDenial: this.#lastDenial,
      peerSaidGoodbye: this.#peerSaidGoodbye,
      keys: keys && { send: keys.send, receive: keys.receive, strengths: keys.strengths },
      owed: this.#owed,
    };
  }

  #restore(snapshot: LinkSnapshot): void {
    const { strengths, ...material } = snapshot.keys ?? { strengths: undefined };
    this.#keys = 'send' in material ? { ...material, ...(strengths === undefined ? {} : { strengths }) } : undefined;
    this.#phase = 'network';
    this.#heard = true;
    this.#now = snapshot.now;
    this.#lastDenial = snapshot.lastDenial;
    this.#peerSaidGoodbye = snapshot.peerSaidGoodbye;
    this.#owed = snapshot.owed;
    for (const { name, at } of snapshot.timers) this.#timers.set(name, at);
    this.#phases.restore(snapshot.phases);
    this.#lcp.restore(snapshot.lcp);
    this.#auth.restore(snapshot.auth);
    this.#network.restore(snapshot.network, this.#keys);
  }

  handle(input: LinkInput, now: Instant): readonly LinkEffect[] {
    if (this.#phase === 'closed') return NONE;
    this.#now = now;
    switch (input.kind) {
      case 'open':
        this.#open();
        break;
      case 'frame':
        this.#frame(input.protocol, input.bytes);
        break;
      case 'verdict':
      case 'computed':
        this.#answer(input);
        break;
      case 'authorize':
        this.#authorize(input.profile);
        break;
      case 'reset-needed':
        this.#network.resetNeeded(now);
        break;
      case 'alive':
        this.#lcp.heard(now);
        break;
      case 'close':
        this.#fail({ reason: input.reason, detail: input.detail });
        break;
    }
    return this.#takeOut();
  }

  nextTimeout(): Instant | undefined {
    return earliest(this.#timers.next(), this.#auth.nextTimeout());
  }

  handleTimeout(now: Instant): readonly LinkEffect[] {
    if (this.#phase === 'closed') return NONE;
    this.#now = now;
    for (const timer of this.#timers.take(now)) this.#timeout(timer);
    this.#auth.handleTimeout(now);
    return this.#takeOut();
  }

  #open(): void {
    if (this.#phase !== 'dead') return;
    this.#establish();
    this.#lcp.open(this.#now);
  }

  #establish(): void {
    this.#phase = 'establish';
    this.#phases.begin('lcp');
    // Not restarted by renegotiation: a peer cannot keep an unauthenticated link by starting over again and again.
    const { maxConfigure, restartMs, authTimeoutMs, setupTimeoutMs } = this.#options;
    const patience = setupTimeoutMs ?? 2 * maxConfigure * restartMs + authTimeoutMs;
    if (!this.#timers.isSet('establish')) this.#timers.set('establish', after(this.#now, patience));
  }

  #frame(protocol: number, bytes: Uint8Array): void {
    if (this.#phase === 'dead') {
      this.#ignore(protocol, 'not-open');
      return;
    }
    this.#lcp.heard(this.#now);
    if (protocol === PPP.lcp) {
      this.#heard = true;
      this.#lcp.receive(bytes, this.#now);
    } else if (this.#phase === 'establish' || this.#phase === 'terminate') {
      this.#ignore(protocol, 'lcp-not-opened');
    } else if (this.#auth.owns(protocol)) {
      this.#auth.frame(protocol, bytes, this.#now);
    } else if (this.#unauthenticated(protocol)) {
      // RFC 1661 section 3.5: all other packets of this phase are silently discarded.
      this.#ignore(protocol, 'not-authenticated');
    } else if (!this.#network.receive(protocol, bytes, this.#now)) {
      this.#unknown(protocol, bytes);
    }
  }

  /**
   * A network protocol tells the side that proves itself that its proof was taken, if its method can go by that, and the
   * other side that this is known.
   */
  #unauthenticated(protocol: number): boolean {
    const waiting = this.#phase === 'authenticate';
    if (isNetworkControl(protocol) && waiting === (this.#options.role === 'client'))
      this.#auth.networkStarted(this.#now);
    return this.#phase === 'authenticate';
  }

  #unknown(protocol: number, bytes: Uint8Array): void {
    const userData = protocol === PPP.ipv4 || protocol === PPP.compressed;
    if (userData) this.#ignore(protocol, 'user-data');
    else if (this.#phase === 'network') this.#lcp.rejectProtocol(protocol, bytes, this.#now);
    else this.#ignore(protocol, 'not-authorized');
  }

  #answer(answer: Extract<AuthInput, { readonly kind: 'verdict' | 'computed' }>): void {
    if (!this.#auth.answer(answer, this.#now)) this.#ignore(0, 'stale-verdict');
  }

  #authorize(profile: NetworkProfile): void {
    this.#owed = Math.max(0, this.#owed - 1);
    if (this.#phase !== 'authorize' || this.#owed > 0) {
      this.#ignore(0, 'stale-authorize');
      return;
    }
    this.#startNetwork(profile);
  }

  #startNetwork(profile: NetworkProfile | undefined): void {
    this.#phase = 'network';
    this.#timers.clear('authorize');
    if (this.#options.setupTimeoutMs === undefined) this.#timers.clear('establish');
    this.#network.start(profile, this.#keys, this.#now);
  }

  #timeout(timer: Timer): void {
    const { authTimeoutMs } = this.#options;
    switch (timer) {
      case 'lcp':
        this.#lcp.restartTimeout(this.#now);
        break;
      case 'echo':
        this.#lcp.echoTimeout(this.#now);
        break;
      case 'establish':
        this.#fail({ reason: 'negotiation-failed', detail: 'the link was not established in time' });
        break;
      case 'auth':
        this.#fail({
          reason: 'authentication-failed',
          detail: `authentication was not over after ${authTimeoutMs / 1000} s`,
        });
        break;
      case 'authorize':
        this.#fail({ reason: 'no-address', detail: 'the session got no addresses in time' });
        break;
      default:
        // Timers taken together may have been made void by the first of them.
        if (this.#phase === 'network') this.#network.handleTimer(timer, this.#now);
    }
  }

  #lcpUp(): void {
    this.#emit({ kind: 'framing', framing: this.#lcp.framing });
    this.#phases.done('lcp');
    this.#phase = 'authenticate';
    const method = this.#lcp.method;
    if (method === undefined) {
      this.#accepted('none', '', {}, undefined);
      return;
    }
    this.#phases.begin('auth');
    if (!this.#timers.isSet('auth')) this.#timers.set('auth', after(this.#now, this.#options.authTimeoutMs));
    this.#auth.begin(method, Math.min(this.#options.mru, this.#lcp.peerMru), this.#now);
  }

  #accepted(method: string, identity: string, profile: UserProfile, keys: MppeKeyMaterial | undefined): void {
    // Later accepts are answers to repeated frames, or a peer proving itself again.
    if (this.#phase !== 'authenticate') return;
    // Keys for no length at all: a back-end elsewhere proved the user and did not give any.
    this.#keys = keys?.strengths?.length === 0 ? undefined : keys;
    this.#lastDenial = '';
    this.#timers.clear('auth');
    this.#phases.done('auth');
    if (this.#options.role === 'client') {
      this.#startNetwork(undefined);
      return;
    }
    this.#phase = 'authorize';
    this.#timers.set('authorize', after(this.#now, this.#options.authTimeoutMs));
    this.#owed += 1;
    this.#emit({ kind: 'authenticated', method, identity, profile });
  }

  #lcpDown(): void {
    this.#leave();
    if (this.#ending !== undefined) return;
    // Terminate-Request or the rejection of a fundamental code; any other way out of Opened is a new negotiation.
    if (this.#lcp.state === 'Stopping') {
      this.#terminate();
      return;
    }
    const detail = 'the peer renegotiated LCP';
    this.#phases.failAll('renegotiated', detail);
    this.#emit({ kind: 'note', event: 'lcp.renegotiation', detail });
    this.#establish();
  }

  #leave(): void {
    this.#auth.stop();
    this.#keys = undefined;
    this.#network.stop(this.#now);
    this.#timers.clear('authorize');
  }

  #lcpFinished(): void {
    if (this.#ending === undefined) {
      this.#ending = this.#explain();
      this.#phases.failAll(this.#ending.reason, this.#ending.detail);
    }
    this.#closed();
  }

  /** LCP gave up on its own. */
  #explain(): Failure {
    const { maxConfigure } = this.#options;
    if (!this.#heard) {
      return { reason: 'no-answer', detail: `no answer to ${maxConfigure} LCP Configure-Requests` };
    }
    if (this.#peerSaidGoodbye !== '') return { reason: 'peer-terminated', detail: this.#peerSaidGoodbye };
    return { reason: 'negotiation-failed', detail: 'the peer and we do not agree on LCP' };
  }

  /** In Opened this is the end, after a pause for our Terminate-Ack; before, the peer may begin again. */
  #peerTerminated(text: string): void {
    const detail = text === '' ? 'the peer terminated the link' : `the peer terminated the link: ${text}`;
    this.#peerSaidGoodbye = detail;
    if (this.#ending !== undefined) return;
    if (this.#lcp.state === 'Stopping') {
      this.#ending =
        this.#lastDenial === ''
          ? { reason: 'peer-terminated', detail }
          : { reason: 'authentication-failed', detail: `${this.#lastDenial}; ${detail}` };
      this.#phases.failAll(this.#ending.reason, this.#ending.detail);
    }
    // Known at once: what follows may be the end of the whole call, before `closed`.
    this.#emit({ kind: 'note', event: 'lcp.peer-terminated', detail });
  }

  #protocolRejected(protocol: number): void {
    if (this.#auth.owns(protocol) && this.#phase === 'authenticate') {
      this.#fail({
        reason: 'authentication-failed',
        detail: 'the peer rejects the protocol it agreed to authenticate with',
      });
    } else {
      this.#emit({
        kind: 'note',
        event: 'lcp.protocol-rejected',
        detail: `the peer does not know ${describeProtocol(protocol)}`,
      });
      this.#network.protocolRejected(protocol, this.#now);
    }
  }

  /** Begins the end; the first reason given is the one reported. */
  #fail(failure: Failure): void {
    if (this.#ending !== undefined) return;
    this.#ending = failure;
    this.#phases.failAll(failure.reason, failure.detail);
    this.#leave();
    this.#terminate();
    this.#lcp.close(FAREWELL[failure.reason], this.#now);
    // Nobody is there to answer, or LCP had nothing to close.
    const hopeless = failure.reason === 'echo-timeout' || failure.reason === 'loopback';
    if (hopeless || !this.#timers.isSet('lcp')) this.#closed();
  }

  #terminate(): void {
    this.#phase = 'terminate';
    for (const timer of ['establish', 'auth', 'authorize', 'echo'] as const) this.#timers.clear(timer);
  }

  #closed(): void {
    if (this.#phase === 'closed' || this.#ending === undefined) return;
    this.#emit({ kind: 'closed', ...this.#ending });
    this.#phase = 'closed';
    this.#auth.stop();
    this.#timers.clearAll();
  }

  #ignore(protocol: number, why: string): void {
    this.#emit({ kind: 'ignored', protocol, why });
  }

  #emit(effect: LinkEffect): void {
    if (effect.kind === 'attempt-failed') this.#lastDenial = `${effect.method}: ${WHY_REFUSED[effect.denial]}`;
    if (effect.kind === 'network' && effect.network !== undefined) {
      this.#timers.clear('establish');
      this.#auth.settled();
    }
    // `closed` is the last word even when a layer unwinding beneath it still has something to say.
    if (this.#phase !== 'closed') this.#out.push(effect);
  }

  #takeOut(): readonly LinkEffect[] {
    if (this.#out.length === 0) return NONE;
    const out = this.#out;
    this.#out = [];
    return out;
  }
}
