import { printable } from '../../core/bytes/ascii.ts';
import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { formatPrefix64, ZERO_BITS64 } from '../../core/bytes/ipv6-address.ts';
import { GRE_CHANNEL, PEER_WINDOW } from '../../core/datapath/gre-channel.ts';
import { encryptionState, flushEncryption, restoreEncryption } from '../../core/datapath/mppe-state.ts';
import type { Session } from '../../core/datapath/session.ts';
import { SESSION_USAGE } from '../../core/datapath/session-usage.ts';
import { restoreShape, shapeState } from '../../core/datapath/shape.ts';
import { PPP_FRAMING } from '../../core/datapath/stages/ppp.stage.ts';
import { USER_TRAFFIC } from '../../core/datapath/user-traffic.ts';
import type { LinkSnapshot } from '../../core/machine/link-snapshot.ts';
import type { Machine } from '../../core/machine/machine.ts';
import type { LinkEffect, LinkEnd, LinkInput, LinkIpv6, NetworkProfile } from '../../core/machine/ppp-link-types.ts';
import type { ClearReason, ControlRecord } from '../../core/ports/control.ts';
import type { ProfileChange } from '../../core/ports/profile.ts';
import type { ChangeAnswer } from '../../core/ports/session-directory.ts';
import type { SessionEnding, SessionFacts, SessionUsage } from '../../core/ports/session-facts.ts';
import type { LaterSpan, PhaseSpan } from '../../core/ports/telemetry.ts';
import { after, earliest, type Instant } from '../../core/time.ts';
import { PPP } from '../../core/wire/ppp.ts';
import type { SessionLog } from './session-log.ts';
import { TunnelAddress } from './tunnel-address.ts';
import { CLEAR_REASON, linkEndFor, type TunnelContext } from './tunnel-context.ts';
import type { ProvenUser } from './tunnel-entry.ts';
import { TunnelIpv6 } from './tunnel-ipv6.ts';
import { TunnelLog } from './tunnel-log.ts';
import { type LoginTunnel, TunnelLogin } from './tunnel-login.ts';
import { TunnelQuestions } from './tunnel-questions.ts';
import { type SentTunnel, sentProfile, type TunnelSnapshot } from './tunnel-snapshot.ts';
import { endNumbers, type TunnelSpans } from './tunnel-spans.ts';
import { TunnelUser, usageOf } from './tunnel-user.ts';
import { type TunnelView, viewOf } from './tunnel-view.ts';

/** Notes of the machines that are kept as attributes of the session. */
const REMEMBERED: ReadonlyMap<string, string> = new Map([
  ['lcp.identification', 'ppp.lcp.identification'],
  ['lcp.time-remaining', 'ppp.lcp.time_remaining'],
]);

type LinkNetwork = Extract<LinkEffect, { readonly kind: 'network' }>['network'];

/** Drives one session's PPP link: executes its effects and feeds it frames, answers and time. */
export class Tunnel implements LoginTunnel {
  readonly session: Session;
  readonly peerName: string;
  readonly openedAt: Instant;
  upAt: Instant | undefined;
  /** Packets that decrypted to nonsense since the call began. */
  undecryptable = 0;
  /** GRE numbers given up that a Wan-Error-Notify has told of. */
  lostReported = 0;
  private readonly context: TunnelContext;
  readonly link: Machine<LinkInput, LinkEffect>;
  readonly spans: TunnelSpans;
  private readonly log: SessionLog;
  readonly lines: TunnelLog;
  private readonly steps: ((now: Instant) => readonly LinkEffect[])[] = [];
  readonly ipv6: TunnelIpv6 | undefined;
  readonly address: TunnelAddress;
  /** Made when there is one; an idle tunnel asks nothing. */
  private questions: TunnelQuestions | undefined;
  /** Made when there is one; gone again when the tunnel is up. */
  private login: TunnelLogin | undefined;
  /** From the first proof on. */
  private user: TunnelUser | undefined;
  /** Why somebody wants this session to end. */
  private wanted: ClearReason | undefined;
  private running = false;
  over = false;
  private silenceAt: Instant | undefined;
  private heardAt: Instant | undefined;

  constructor(
    session: Session,
    peerName: string,
    link: Machine<LinkInput, LinkEffect>,
    spans: TunnelSpans,
    context: TunnelContext,
    log: SessionLog,
    openedAt: Instant = context.clock.now(),
  ) {
    this.session = session;
    this.peerName = peerName;
    this.link = link;
    this.spans = spans;
    this.context = context;
    this.log = log;
    this.lines = new TunnelLog(this.log, session, peerName, context.role);
    this.openedAt = openedAt;
    this.silenceAt = after(this.openedAt, context.silenceMs);
    this.address = new TunnelAddress(session, context);
    this.ipv6 = context.ipv6 && new TunnelIpv6(session, context.ipv6, context.sessions, this.log);
  }

  /** `window`: packets that the peer takes at a time; `since`: when its control connection began, or the request for this call. */
  open(window: number, since: number): void {
    this.lines.opened(window, this.context.clock.now() - since);
    this.submit({ kind: 'open' });
  }

  frame(protocol: number, bytes: Uint8Array): void {
    if (!this.over) this.spans.packet('in', protocol, bytes);
    if (protocol === PPP.ipv6 && this.ipv6 !== undefined) {
      this.ipv6.packet(bytes, this.context.clock.now());
      this.context.reschedule(this);
      return;
    }
    this.submit({ kind: 'frame', protocol, bytes });
  }

  close(reason: LinkEnd, detail: string): void {
    this.spans.ending();
    this.submit({ kind: 'close', reason, detail });
  }

  /** Stateful MPPE or MPPC lost a packet of the peer. */
  resetNeeded(): void {
    this.submit({ kind: 'reset-needed' });
  }

  nextTimeout(): Instant | undefined {
    if (this.over) return undefined;
    const ours = earliest(this.link.nextTimeout(), this.silenceAt);
    return earliest(ours, earliest(this.user?.nextTimeout(), this.ipv6?.nextTimeout()));
  }

  handleTimeout(now: Instant): void {
    if (this.over) return;
    this.checkSilence(now);
    const heard = this.session.get(GRE_CHANNEL)?.lastReceived;
    if (heard !== undefined && heard !== this.heardAt) {
      this.heardAt = heard;
      this.spans.heard();
      this.submit({ kind: 'alive' });
    }
    const due = this.link.nextTimeout();
    if (due !== undefined && due <= now) this.step((at) => this.link.handleTimeout(at));
    this.ipv6?.handleTimeout(now);
    const reached = this.user?.reached(now);
    if (reached === undefined) return;
    this.spans.limitReached(reached.reason, reached.detail);
    this.close(reached.reason, reached.detail);
  }

  /** Undefined: it is not up, or something of it is under way that cannot be moved. */
  snapshot(link: LinkSnapshot | undefined): SentTunnel | undefined {
    const { session, user, upAt, over, running } = this;
    const known = user?.snapshot();
    const channel = session.get(GRE_CHANNEL);
    const mppe = encryptionState(session);
    const framing = session.get(PPP_FRAMING);
    const address = this.address.current;
    if (link === undefined || known === undefined || user === undefined || upAt === undefined) return undefined;
    if (channel === undefined || mppe === undefined || framing === undefined || address === undefined) return undefined;
    if (
      over ||
      running ||
      this.wanted !== undefined ||
      this.questions?.isIdle === false ||
      this.login?.isIdle === false
    )
      return undefined;
    return {
      id: session.id,
      call: session.call,
      peerName: this.peerName,
      window: session.get(PEER_WINDOW) ?? { packets: 64, processingDelay: 0 },
      attributes: [...session.attributes].map(([name, value]) => ({ name, value })),
      drops: [...session.drops].map(([key, count]) => ({ key, count })),
      openedAt: this.openedAt,
      upAt,
      undecryptable: this.undecryptable,
      lostReported: this.lostReported,
      // The trace of a tunnel that nobody collects has an id of its own, which is in the log.
      trace: { ...this.spans.root, traceId: this.spans.traceId },
      encryption: this.encryption,
      address,
      bound: session.address,
      pool: this.address.pool,
      user: { ...known, profile: sentProfile(user.profile) },
      ipv6: this.ipv6?.snapshot(),
      framing: { ...framing },
      usage: session.get(SESSION_USAGE) && { ...usageOf(session) },
      lastUsed: session.get(USER_TRAFFIC)?.lastUsed,
      link,
      channel: channel.state(),
      mppe,
      shape: shapeState(session),
    };
  }

  /** Right after it was made, in a process that takes over, and the stages have opened. False: it cannot go on here. */
  restore(snapshot: TunnelSnapshot): boolean {
    const { session, context } = this;
    const channel = session.get(GRE_CHANNEL);
    const framing = session.get(PPP_FRAMING);
    const { user, usage, lastUsed, shape, ipv6, bound } = snapshot;
    if (channel === undefined || framing === undefined || !restoreEncryption(session, snapshot.mppe)) return false;
    channel.restore(snapshot.channel);
    Object.assign(framing, snapshot.framing);
    session.identity = user.identity;
    if (!this.address.restore(snapshot.address, snapshot.pool, user.identity)) return false;
    if (bound !== undefined) context.sessions.bind(session, bound);
    const counters = session.get(SESSION_USAGE);
    if (counters !== undefined && usage !== undefined) Object.assign(counters, usage);
    const traffic = session.get(USER_TRAFFIC);
    if (traffic !== undefined && lastUsed !== undefined) traffic.lastUsed = lastUsed;
    this.upAt = snapshot.upAt;
    this.undecryptable = snapshot.undecryptable;
    this.lostReported = snapshot.lostReported;
    this.silenceAt = undefined;
    this.heardAt = channel.lastReceived;
    this.spans.restore(snapshot.encryption);
    if (ipv6 !== undefined && this.ipv6?.restore(ipv6, context.clock.now()) !== true) return false;
    this.user = new TunnelUser(this, context, user);
    this.user.restore(user);
    if (shape !== undefined) restoreShape(session, shape);
    this.log.rest();
    return true;
  }

  /** What is done about this tunnel elsewhere. */
  later(name: LaterSpan): PhaseSpan {
    return this.spans.elsewhere(name);
  }

  quotaReached(): void {
    const detail = 'the quota of the session is used up';
    this.spans.limitReached('quota', detail);
    this.close('quota', detail);
  }

  /** The keys of the two sides cannot be the same. */
  undecipherable(detail: string): void {
    this.spans.limitReached('undecryptable', detail);
    this.close('negotiation-failed', detail);
  }

  /** The call is gone: gives everything back. Nothing happens on this tunnel afterwards. */
  end(reason: ClearReason, detail: string, control?: ControlRecord): void {
    if (this.over) return;
    this.over = true;
    this.questions?.abort();
    this.login?.abort();
    const address = this.address.current;
    this.context.setEncryption(this.session, undefined);
    this.context.sessions.remove(this.session);
    this.address.end();
    this.ipv6?.release();
    this.user?.giveBack();
    const milliseconds = this.context.clock.now() - this.openedAt;
    this.spans.end(reason, detail, endNumbers(this.session.get(GRE_CHANNEL), milliseconds), control);
    this.lines.closed({ reason, detail, failure: this.spans.failure }, address, milliseconds);
    this.user?.down({ reason, detail });
  }

  /** Somebody has proven who it is. */
  get hasUser(): boolean {
    return this.user !== undefined;
  }

  /** Undefined before that. */
  facts(): SessionFacts | undefined {
    return this.user?.facts();
  }

  usage(): SessionUsage {
    return usageOf(this.session);
  }

  seconds(): number {
    return this.upAt === undefined ? 0 : Math.floor((this.context.clock.now() - this.upAt) / 1000);
  }

  get innerAddress(): Ipv4 | undefined {
    return this.address.current;
  }

  get traceId(): string {
    return this.spans.traceId;
  }

  get encryption(): string {
    return this.spans.encryptionName;
  }

  /** Ends the session in order, for this reason unless it ends for another one already. */
  disconnect({ reason, detail }: SessionEnding): void {
    this.wanted = reason;
    this.close(linkEndFor(reason), detail);
  }

  change(change: ProfileChange): ChangeAnswer {
    const answer = this.user?.change(change);
    this.context.reschedule(this);
    return answer ?? { ok: false, why: 'refused', detail: 'nobody has proven who it is on this call yet' };
  }

  private get hasHeard(): boolean {
    return (this.session.get(GRE_CHANNEL)?.received ?? 0) > 0;
  }

  private submit(input: LinkInput): void {
    this.step((now) => this.link.handle(input, now));
  }

  /**
   * A bug met this session: it costs the session and nobody else. Nothing of a session may throw into the data path, the
   * one timer or the control connection, where it would meet all of them.
   */
  fault(cause: unknown): void {
    this.lines.fault(cause);
    this.context.telemetry.event('session.fault');
    if (!this.over) this.context.clear(this.session, 'administrative', 'internal error of the gateway');
  }

  /** One step of the machine at a time: an effect that leads to another step (authorize) waits for its turn. */
  private step(step: (now: Instant) => readonly LinkEffect[]): void {
    this.steps.push(step);
    if (this.running) return;
    this.running = true;
    try {
      for (let next = this.steps.shift(); next !== undefined && !this.over; next = this.steps.shift()) {
        for (const effect of next(this.context.clock.now())) this.execute(effect);
      }
    } catch (cause) {
      this.fault(cause);
    } finally {
      this.running = false;
      this.steps.length = 0;
    }
    this.context.reschedule(this);
  }

  private execute(effect: LinkEffect): void {
    if (this.over) return;
    switch (effect.kind) {
      case 'send':
        this.spans.packet('out', effect.protocol, effect.bytes);
        this.context.send(this.session, effect.protocol, effect.bytes);
        return;
      case 'verify':
      case 'compute':
        void this.asking().answer(effect, (answer) => {
          if (!this.over) this.submit(answer);
        });
        return;
      case 'attempt-failed':
        this.questions?.judged(effect.denial);
        this.lines.authenticationFailed(effect);
        this.context.telemetry.event('auth.failed', { method: effect.method, denial: effect.denial });
        this.spans.attemptFailed({ ...effect, identity: printable(effect.identity) });
        return;
      case 'authenticated':
        this.questions?.judged(undefined);
        this.context.telemetry.event('auth.succeeded', { method: effect.method });
        this.context.proven(this.session);
        this.prove({ identity: effect.identity, method: effect.method, profile: effect.profile });
        return;
      case 'phase':
        this.spans.phase(effect, this.hasHeard);
        return;
      case 'framing': {
        const framing = this.session.get(PPP_FRAMING);
        if (framing !== undefined) Object.assign(framing, effect.framing);
        return;
      }
      case 'encryption':
        this.context.setEncryption(this.session, effect.parameters);
        this.spans.encryption(effect.parameters);
        return;
      case 'flush':
        flushEncryption(this.session);
        this.context.telemetry.event('mppe.reset-requested');
        return;
      case 'network':
        this.network(effect.network);
        return;
      case 'ipv6':
        this.changeIpv6(effect.ipv6);
        return;
      case 'note':
        this.note(effect.event, printable(effect.detail));
        return;
      case 'ignored':
        this.context.telemetry.event('ppp.ignored', { protocol: effect.protocol, why: effect.why });
        return;
      case 'closed':
        this.closed(effect.reason, effect.detail);
        return;
      default:
        effect satisfies never;
    }
  }

  private asking(): TunnelQuestions {
    const { context, log, spans } = this;
    this.questions ??= new TunnelQuestions({
      authenticators: context.authenticators,
      policies: context.policies,
      spans,
      log,
      now: context.now,
      origin: this,
    });
    return this.questions;
  }

  private prove(user: ProvenUser): void {
    this.user ??= new TunnelUser(this, this.context, user);
    this.login ??= new TunnelLogin(this, this.context, this.user);
    this.login.prove(user);
  }

  authorize(profile: NetworkProfile): void {
    this.submit({ kind: 'authorize', profile });
  }

  view(): TunnelView {
    return viewOf(this);
  }

  /** Whether this tunnel is of that user and holds that address. */
  holds(identity: string, address: Ipv4): boolean {
    return this.address.isOf(identity, address);
  }

  private network(network: LinkNetwork): void {
    if (network === undefined) {
      this.context.sessions.unbind(this.session);
      this.spans.down();
      return;
    }
    const address = network.peerAddress;
    this.context.sessions.bind(this.session, address);
    const { clock } = this.context;
    const first = this.upAt === undefined;
    this.upAt ??= clock.now();
    this.lines.up(address, this.spans.encryptionName, clock.now() - this.openedAt);
    this.context.telemetry.event('session.up');
    // A client is bound to its peer's address, and its own is the one that it was given.
    this.spans.up(formatIpv4(this.address.current ?? network.localAddress));
    this.user?.up();
    if (first && !this.over) this.rest();
  }

  /** The set-up is over: what only it needed is given up. */
  private rest(): void {
    this.log.rest();
    if (this.questions?.isIdle === true) this.questions = undefined;
    if (this.login?.isIdle === true) this.login = undefined;
    this.context.settled(this.session);
  }

  private changeIpv6(ipv6: LinkIpv6 | undefined): void {
    // A client has no prefix: which addresses it has is between its kernel and the router advertisements.
    const before = this.session.ipv6?.prefix;
    if (ipv6?.prefix !== undefined) this.spans.ipv6Up(formatPrefix64(ipv6.prefix));
    else if (ipv6 === undefined && before !== undefined) this.spans.prefixWithdrawn(formatPrefix64(before));
    const client = ipv6 !== undefined && ipv6.prefix === undefined;
    if (client) this.session.ipv6 = { ...ipv6, prefix: ZERO_BITS64 };
    else if (this.ipv6 === undefined) this.session.ipv6 = undefined;
    else this.ipv6.change(ipv6, this.context.clock.now());
    if (ipv6 !== undefined) this.user?.ipv6Up();
  }

  private note(event: string, detail: string): void {
    this.log.debug(event, detail);
    this.spans.note(event, detail);
    const name = REMEMBERED.get(event);
    if (name === undefined) return;
    this.session.attribute(name, detail);
    this.spans.attribute(name, detail);
  }

  private closed(reason: LinkEnd, detail: string): void {
    this.spans.ending();
    const nothingHeard = reason === 'no-answer' && !this.hasHeard;
    const asWanted = this.wanted !== undefined && linkEndFor(this.wanted) === reason ? this.wanted : undefined;
    this.context.clear(this.session, asWanted ?? (nothingHeard ? 'no-gre' : CLEAR_REASON[reason]), detail);
  }

  private checkSilence(now: Instant): void {
    if (this.silenceAt === undefined || now < this.silenceAt) return;
    this.silenceAt = undefined;
    if (this.hasHeard) return;
    this.spans.note('gre.blocked', 'no GRE packet has arrived yet: is IP protocol 47 dropped on the way?');
    this.lines.blocked(now - this.openedAt);
    this.context.telemetry.event('gre.blocked');
  }
}
