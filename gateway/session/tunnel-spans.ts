import type { GreChannel } from '../../core/datapath/gre-channel.ts';
import type { EncryptionParameters, LinkEffect } from '../../core/machine/ppp-link-types.ts';
import { agreedMethod, summarizePpp } from '../../core/machine/ppp-summary.ts';
import type { Direction } from '../../core/outcome.ts';
import type { ClearReason, ControlRecord } from '../../core/ports/control.ts';
import {
  type Attributes,
  type LaterSpan,
  type PhaseSpan,
  SETUP_PHASES,
  type SetupPhase,
  type SpanFailure,
  type SpanReference,
  type TunnelTrace,
} from '../../core/ports/telemetry.ts';
import type { Instant } from '../../core/time.ts';
import { PPP } from '../../core/wire/ppp.ts';
import { CODE } from '../../core/wire/ppp-config.ts';
import { type FailedAttempt, packetAttributes } from './auth-rounds.ts';
import { controlEvents } from './control-events.ts';
import { EchoWatch } from './echo-watch.ts';
import { LaterSpans } from './later-spans.ts';
import { PhaseSpans } from './phase-spans.ts';
import { SpanBudget } from './span-budget.ts';

type PhaseEffect = Extract<LinkEffect, { readonly kind: 'phase' }>;

/**
 * Spans and events of one set-up, and of one negotiation after it; far above what a peer in good faith needs. The SDK keeps
 * 128 events of a span and forgets the first of more: with up to 32 control messages that is what one span can have.
 */
const SETUP = { spans: 64, events: 96 };
const RENEGOTIATION = { spans: 32, events: 96 };

/** Failures of a phase that the set-up goes on with. */
const HARMLESS: ReadonlySet<string> = new Set(['renegotiated', 'not-encrypted', 'no-ipv6']);
/** Ends that are as somebody wanted them. */
const IN_ORDER: ReadonlySet<ClearReason> = new Set([
  'peer-request',
  'peer-disconnect',
  'peer-terminated',
  'idle',
  'session-timeout',
  'quota',
  'administrative',
  'shutdown',
]);

interface Renegotiation {
  readonly span: PhaseSpan;
  readonly phases: PhaseSpans;
  readonly budget: SpanBudget;
}

/** The spans of one tunnel: its set-up, which is over when it is first up or fails before, and what happens later. */
export class TunnelSpans {
  private readonly trace: TunnelTrace;
  private readonly now: () => Instant;
  private readonly roundTrip: (milliseconds: number) => void;
  private readonly budget: SpanBudget;
  private readonly setup: PhaseSpans;
  /** The phases that have begun, as bits in the order of `SETUP_PHASES`: there are very many tunnels. */
  private seen = 0;
  private readonly later: LaterSpans;
  private readonly echoes = new EchoWatch();
  private again: Renegotiation | undefined;
  private method: string | undefined;
  private setupOver = false;
  private wasUp = false;
  private networkUp = false;
  private firstFailure: SpanFailure | undefined;
  private encryptionText = 'none';
  private endingSince: Instant | undefined;

  /** `roundTrip` is told how long each LCP echo took. */
  constructor(trace: TunnelTrace, now: () => Instant, roundTrip: (milliseconds: number) => void = () => undefined) {
    this.trace = trace;
    this.now = now;
    this.roundTrip = roundTrip;
    this.budget = new SpanBudget(SETUP.spans, SETUP.events);
    this.setup = new PhaseSpans(trace, this.budget);
    this.later = new LaterSpans(trace, now);
  }

  get traceId(): string {
    return this.trace.traceId;
  }

  /** "MPPE 128 stateless", "MPPE 40 stateful + MPPC", "MPPC stateless" or "none". */
  get encryptionName(): string {
    return this.encryptionText;
  }

  /** Why the set-up failed, once a phase has. Peers then hang up in their own way, which says less. */
  get failure(): SpanFailure | undefined {
    return this.wasUp ? undefined : this.firstFailure;
  }

  /** `heard`: GRE has come from the peer. Where none has, no answer has one explanation. */
  phase(effect: PhaseEffect, heard: boolean): void {
    const { phase } = effect;
    if (effect.state === 'begin') {
      this.begin(phase);
      return;
    }
    const failure = effect.state === 'failed' ? phaseFailure(effect.error, effect.detail, heard) : undefined;
    if (failure !== undefined && !HARMLESS.has(failure.error)) this.firstFailure ??= failure;
    if (this.setup.has(phase)) this.setup.end(phase, failure);
    else this.again?.phases.end(phase, failure);
    this.endRenegotiation();
  }

  /** A control frame of the link. */
  packet(direction: Direction, protocol: number, bytes: Uint8Array): void {
    this.watchEchoes(direction, protocol, bytes);
    const code = bytes[0];
    if (protocol === PPP.ccp && code === CODE.resetRequest && this.setupOver) {
      this.later.add('mppe_reset', { 'mppe.reset.by': direction === 'in' ? 'peer' : 'gateway' });
      return;
    }
    // Once everything is quiet nothing is left to show, and nothing is taken apart.
    if (this.setupOver && this.again === undefined && this.setup.isIdle) return;
    // The side that acknowledges LCP's Configure-Request says which method the other will have from it.
    if (protocol === PPP.lcp && code === CODE.configureAck) this.method = agreedMethod(bytes) ?? this.method;
    const summary = summarizePpp(protocol, bytes);
    const budget = this.again?.budget ?? this.budget;
    if (summary === undefined || !budget.spendEvent() || this.setup.packet(direction, summary)) return;
    if (this.again?.phases.packet(direction, summary) === true) return;
    this.besides(summary.name, packetAttributes(direction, summary));
  }

  /** Anything came from the peer. */
  heard(): void {
    const loss = this.echoes.heard();
    if (loss !== undefined) this.later.add('echo_loss', { 'ppp.echo.lost': loss.lost }, loss.since);
  }

  /** A question to the back-ends: the span that their answers belong to. */
  asked(kind: string): PhaseSpan | undefined {
    return (this.setup.auth ?? this.again?.phases.auth)?.asked(kind);
  }

  /** A task of the authentication. */
  task(): PhaseSpan | undefined {
    return (this.setup.auth ?? this.again?.phases.auth)?.current.step('auth.task');
  }

  attemptFailed(attempt: FailedAttempt): void {
    (this.setup.auth ?? this.again?.phases.auth)?.failed(attempt);
    if (this.setupOver) return;
    const { method, identity } = attempt;
    this.trace.attributes({ 'ppp.auth.protocol': method, ...(identity === '' ? {} : { 'user.name': identity }) });
  }

  passwordChanged(since: Instant): void {
    this.later.add('password_change', {}, since);
  }

  authenticated(identity: string, method: string): void {
    this.trace.attributes({ 'ppp.auth.protocol': method, ...(identity === '' ? {} : { 'user.name': identity }) });
  }

  /** The policies, and looking for an inner address. */
  address(): PhaseSpan {
    const { again } = this;
    if (again !== undefined) return again.budget.spend(() => again.span.step('address'));
    return this.budget.spend(() => this.trace.phase('address'));
  }

  /** The user may not come in, or cannot. */
  refused(failure: SpanFailure, attributes: Attributes = {}): void {
    this.firstFailure ??= failure;
    if (!this.setupOver) this.trace.attributes(attributes);
  }

  attribute(name: string, value: string): void {
    this.trace.attributes({ [name]: value });
  }

  /** Its root, for a process that takes over. */
  get root(): SpanReference {
    return this.trace.root;
  }

  /** In a process that takes over: the set-up is long over. */
  restore(encryption: string): void {
    this.seen = (1 << SETUP_PHASES.length) - 1;
    this.setupOver = true;
    this.wasUp = true;
    this.networkUp = true;
    this.encryptionText = encryption;
  }

  /** Something that the machines noticed. */
  note(event: string, detail: string): void {
    if (event === 'lcp.peer-terminated') this.ending();
    if ((this.again?.budget ?? this.budget).spendEvent()) this.besides(event, { 'pptp.note': detail });
  }

  /** Undefined: there is none any more. */
  encryption(parameters: EncryptionParameters | undefined): void {
    this.encryptionText = parameters === undefined ? 'none' : describeEncryption(parameters);
    if (parameters === undefined) return;
    const attributes = encryptionAttributes(parameters);
    this.setup.attributes('ccp', attributes);
    this.again?.phases.attributes('ccp', attributes);
    this.trace.attributes(attributes);
  }

  /** IPCP is open. */
  up(address: string): void {
    this.networkUp = true;
    const attributes = { 'ppp.ipcp.address': address };
    this.setup.attributes('ipcp', attributes);
    this.again?.phases.attributes('ipcp', attributes);
    if (this.setupOver) return;
    this.wasUp = true;
    this.setupOver = true;
    this.trace.attributes(attributes);
    // Its own phase must not outlast the set-up that ends with it.
    this.setup.end('ipcp');
    this.trace.end();
  }

  /** IPCP is closed. */
  down(): void {
    this.networkUp = false;
  }

  /** IPV6CP is open. */
  ipv6Up(prefix: string): void {
    const attributes = { 'ppp.ipv6.prefix': prefix };
    this.setup.attributes('ipv6cp', attributes);
    this.again?.phases.attributes('ipv6cp', attributes);
  }

  /** What is done about the tunnel by others, such as the routes of the host. */
  elsewhere(name: LaterSpan): PhaseSpan {
    return this.later.begin(name);
  }

  prefixWithdrawn(prefix: string): void {
    this.later.add('prefix_withdrawn', { 'ppp.ipv6.prefix': prefix });
  }

  /** A limit is why the tunnel ends. */
  limitReached(limit: string, detail: string): void {
    this.ending();
    this.later.add('limit_reached', { 'pptp.limit': limit, 'pptp.note': detail });
  }

  /** The end has begun, whoever wanted it. */
  ending(): void {
    this.endingSince ??= this.now();
  }

  /** The call is over. Before the tunnel was up that is a failure: the phase that failed says why, if one did. */
  end(reason: ClearReason, detail: string, numbers: Attributes, control: ControlRecord | undefined): void {
    const why = { error: reason, message: detail };
    this.again?.phases.endAll(why);
    this.again?.span.end(why);
    this.again = undefined;
    const attributes = { 'pptp.end.reason': reason, ...numbers };
    if (!this.setupOver) {
      this.setupOver = true;
      const failure = this.firstFailure ?? why;
      this.setup.endAll(failure);
      controlEvents(this.trace, control);
      this.trace.attributes(attributes);
      this.trace.end(failure);
      return;
    }
    this.setup.endAll(why);
    const failure = IN_ORDER.has(reason) ? undefined : why;
    const loss = this.echoes.gaveUp();
    if (loss !== undefined && reason === 'link-dead') {
      this.later.add('echo_loss', { 'ppp.echo.lost': loss.lost }, loss.since, why);
    }
    const span = this.later.begin('end', { ...attributes, 'pptp.note': detail }, this.endingSince);
    controlEvents(span, control);
    span.end(failure);
  }

  private begin(phase: SetupPhase): void {
    // A protocol that the peer begins late belongs to the set-up all the same, the first time.
    const bit = 1 << SETUP_PHASES.indexOf(phase);
    const late = this.setupOver && ((this.seen & bit) !== 0 || phase === 'lcp');
    this.seen |= bit;
    if (!late) {
      this.setup.begin(phase, this.method);
      return;
    }
    this.again ??= this.renegotiate();
    this.again.phases.begin(phase, this.method);
  }

  private renegotiate(): Renegotiation {
    const span = this.later.begin('renegotiation');
    const budget = new SpanBudget(RENEGOTIATION.spans, RENEGOTIATION.events);
    const starter = { phase: (phase: SetupPhase, attributes: Attributes) => span.step(phase, attributes) };
    return { span, budget, phases: new PhaseSpans(starter, budget) };
  }

  private endRenegotiation(): void {
    if (this.again === undefined || !this.networkUp || !this.again.phases.isIdle) return;
    this.again.span.end();
    this.again = undefined;
  }

  private watchEchoes(direction: Direction, protocol: number, bytes: Uint8Array): void {
    const code = protocol === PPP.lcp ? bytes[0] : undefined;
    const identifier = bytes[1] ?? 0;
    if (direction === 'out') {
      if (code === CODE.echoRequest) this.echoes.requested(identifier, this.now());
      return;
    }
    const took = code === CODE.echoReply ? this.echoes.replied(identifier, this.now()) : undefined;
    if (took !== undefined) this.roundTrip(took);
    this.heard();
  }

  /** Something that belongs to no phase. */
  private besides(name: string, attributes: Attributes): void {
    if (this.again !== undefined) this.again.span.event(name, attributes);
    else if (!this.setupOver) this.trace.event(name, attributes);
  }
}

const phaseFailure = (error: string, detail: string, heard: boolean): SpanFailure =>
  error === 'no-answer' && !heard
    ? { error: 'no-gre', message: `no GRE packet arrived, so IP protocol 47 is dropped on the way: ${detail}` }
    : { error, message: detail };

const encryptionAttributes = ({ strength, stateless, compression }: EncryptionParameters): Attributes => ({
  'ppp.mppe.key_bits': strength ?? 0,
  'ppp.mppe.stateless': stateless,
  'ppp.mppc': compression === true,
});

const describeEncryption = ({ strength, stateless, compression }: EncryptionParameters): string => {
  const mode = stateless ? 'stateless' : 'stateful';
  if (strength === undefined) return `MPPC ${mode}`;
  return `MPPE ${strength} ${mode}${compression === true ? ' + MPPC' : ''}`;
};

/** The last numbers of a tunnel. */
export const endNumbers = (channel: GreChannel | undefined, milliseconds: number): Attributes => ({
  'pptp.tunnel.seconds': milliseconds / 1000,
  'gre.packets.received': channel?.received ?? 0,
  'gre.packets.sent': channel?.sent ?? 0,
  'gre.octets.received': channel?.receivedOctets ?? 0,
  'gre.octets.sent': channel?.sentOctets ?? 0,
  'gre.packets.lost': channel?.queue.lost ?? 0,
});
