import { asciiBytes, asciiText, printable } from '../bytes/ascii.ts';
import { equalBytes } from '../bytes/bytes.ts';
import type { Instant } from '../time.ts';
import { describeProtocol } from '../wire/ppp.ts';
import {
  CODE,
  CONFIG_HEADER,
  type ConfigOption,
  type ConfigPacket,
  encodeConfigPacket,
  encodeOptions,
  parseConfigPacket,
  parseOptions,
  sameOption,
} from '../wire/ppp-config.ts';
import type { NegotiationSnapshot } from './link-snapshot.ts';
import {
  type NegotiationActions,
  NegotiationAutomaton,
  type NegotiationLimits,
  type RestartTimer,
} from './negotiation-automaton.ts';
import type { NegotiationAction, NegotiationState } from './negotiation-table.ts';
import type { Failure, LayerEvents, OptionHandler } from './negotiation-types.ts';

const NO_DATA = new Uint8Array(0);
const NO_OPTIONS: readonly ConfigOption[] = [];

/** One LCP, CCP or IPCP: packets in and out, identifiers, counters, over the automaton of RFC 1661 section 4. */
export class Negotiation implements NegotiationActions {
  readonly #protocol: number;
  readonly #handler: OptionHandler;
  readonly #events: LayerEvents;
  readonly #limits: NegotiationLimits;
  readonly #automaton: NegotiationAutomaton;

  /** The Configure-Request in flight; kept whole so that a retransmission is identical, and until it is answered. */
  #request: Uint8Array = NO_DATA;
  #requestOptions: readonly ConfigOption[] = NO_OPTIONS;
  #answered = true;
  #retransmit = false;
  #refused = false;
  #identifier = 0;
  /** What `sca` and `scn` send, while an event that leads to them is handled. */
  #reply: Uint8Array = NO_DATA;
  #unknown: Uint8Array = NO_DATA;
  #peerIdentifier = 0;
  #farewell = '';
  #naksSent = 0;
  #refusalsSent = 0;
  #refusalsReceived = 0;

  constructor(
    protocol: number,
    handler: OptionHandler,
    events: LayerEvents,
    limits: NegotiationLimits,
    timer: RestartTimer,
  ) {
    this.#protocol = protocol;
    this.#handler = handler;
    this.#events = events;
    this.#limits = limits;
    this.#automaton = new NegotiationAutomaton(limits, timer, this);
  }

  get state(): NegotiationState {
    return this.#automaton.state;
  }

  /** Between inputs; without the options' meaning, which is the handler's. */
  snapshot(): NegotiationSnapshot {
    return {
      state: this.state,
      restartCount: this.#automaton.restartCount,
      request: this.#request,
      answered: this.#answered,
      refused: this.#refused,
      identifier: this.#identifier,
      peerIdentifier: this.#peerIdentifier,
      farewell: this.#farewell,
      naksSent: this.#naksSent,
      refusalsSent: this.#refusalsSent,
      refusalsReceived: this.#refusalsReceived,
    };
  }

  restore(snapshot: NegotiationSnapshot): void {
    this.#automaton.restore(snapshot.state, snapshot.restartCount);
    this.#request = snapshot.request;
    this.#requestOptions = parseOptions(snapshot.request.subarray(CONFIG_HEADER)) ?? NO_OPTIONS;
    this.#answered = snapshot.answered;
    this.#refused = snapshot.refused;
    this.#identifier = snapshot.identifier;
    this.#peerIdentifier = snapshot.peerIdentifier;
    this.#farewell = snapshot.farewell;
    this.#naksSent = snapshot.naksSent;
    this.#refusalsSent = snapshot.refusalsSent;
    this.#refusalsReceived = snapshot.refusalsReceived;
  }

  /** A fresh identifier for packets that the caller builds (Echo-Request, Protocol-Reject). */
  nextIdentifier(): number {
    this.#identifier = (this.#identifier + 1) & 0xff;
    return this.#identifier;
  }

  /** Administrative Open with the lower layer up: the first Configure-Request leaves. */
  start(now: Instant): void {
    this.#beginAnew();
    this.#automaton.event('Open', now);
    this.#automaton.event('Up', now);
  }

  lowerDown(now: Instant): void {
    this.#automaton.event('Down', now);
  }

  /** Administrative Close; `farewell` goes into the Terminate-Request as ASCII. */
  close(farewell: string, now: Instant): void {
    this.#farewell = farewell;
    this.#automaton.event('Close', now);
  }

  /** The peer cannot handle this protocol at all (RXJ-). */
  protocolRejected(now: Instant): void {
    this.#automaton.event('RXJ-', now);
  }

  timeout(now: Instant): void {
    this.#retransmit = true;
    this.#automaton.timeout(now);
    this.#retransmit = false;
  }

  /** Repeats a Configure-Request at once if the peer answered it with Terminate-Ack because it was not ready yet. */
  repeatIfRefused(now: Instant): void {
    if (this.#refused && (this.state === 'Req-Sent' || this.state === 'Ack-Sent')) this.timeout(now);
  }

  receive(frame: Uint8Array, now: Instant): void {
    const packet = parseConfigPacket(frame);
    if (packet === undefined) {
      this.#ignore('malformed');
      return;
    }
    if (this.state === 'Initial' || this.state === 'Starting') {
      this.#ignore('layer-down');
      return;
    }
    this.#peerIdentifier = packet.identifier;
    switch (packet.code) {
      case CODE.configureRequest:
        this.#receiveRequest(packet, now);
        return;
      case CODE.configureAck:
        this.#receiveAck(packet, now);
        return;
      case CODE.configureNak:
        this.#receiveNak(packet, now);
        return;
      case CODE.configureReject:
        this.#receiveReject(packet, now);
        return;
      case CODE.terminateRequest:
        this.#automaton.event('RTR', now);
        this.#events.peerTerminated(printable(asciiText(packet.data), 64));
        return;
      case CODE.terminateAck:
        if (this.state === 'Opened') this.#beginAnew();
        this.#refused = true;
        this.#automaton.event('RTA', now);
        return;
      case CODE.codeReject:
        this.#receiveCodeReject(packet, now);
        return;
      default:
        if (this.#events.extension?.(packet) === true) return;
        this.#unknown = frame.subarray(0, CONFIG_HEADER + packet.data.length);
        this.#automaton.event('RUC', now);
        this.#unknown = NO_DATA;
    }
  }

  #receiveRequest(packet: ConfigPacket, now: Instant): void {
    const state = this.state;
    // In these states the content does not matter (RFC 1661 section 4.1).
    if (state === 'Closed' || state === 'Closing' || state === 'Stopping') {
      this.#automaton.event('RCR+', now);
      return;
    }
    const options = parseOptions(packet.data);
    if (options === undefined) {
      this.#ignore('malformed-options');
      return;
    }
    if (state === 'Opened' || state === 'Stopped') this.#beginAnew();
    const answer = this.#answer(options);
    if ('detail' in answer) {
      this.#events.failed(answer);
      return;
    }
    if (answer.code === CODE.configureAck) {
      this.#handler.agreed(options);
      this.#naksSent = 0;
      this.#refusalsSent = 0;
      // An Ack is an exact copy of the options, in order (RFC 1661 section 5.2).
      this.#reply = encodeConfigPacket(CODE.configureAck, packet.identifier, packet.data);
      this.#automaton.event('RCR+', now);
      this.#reply = NO_DATA;
      return;
    }
    this.#refusalsSent += 1;
    if (this.#refusalsSent > 4 * this.#limits.maxFailure) {
      this.#fail(`no agreement after ${this.#refusalsSent} refused Configure-Requests`);
      return;
    }
    if (answer.code === CODE.configureNak) this.#naksSent += 1;
    this.#reply = encodeConfigPacket(answer.code, packet.identifier, encodeOptions(answer.options));
    this.#automaton.event('RCR-', now);
    this.#reply = NO_DATA;
  }

  /** Rejects come first and alone, then Naks; after Max-Failure Naks the rest is rejected too (RFC 1661 section 4.6). */
  #answer(options: readonly ConfigOption[]): { code: number; options: readonly ConfigOption[] } | Failure {
    const rejects = new Set<ConfigOption>();
    const unacceptable: ConfigOption[] = [];
    const naks: ConfigOption[] = [];
    const seen = new Set<number>();
    for (const option of options) {
      // None of the options we know may be listed twice.
      const verdict = seen.has(option.type) ? 'reject' : this.#handler.judge(option);
      seen.add(option.type);
      if (verdict === 'reject') rejects.add(option);
      else if (verdict !== 'ack') {
        unacceptable.push(option);
        naks.push({ type: option.type, data: verdict.nak });
      }
    }
    const exhausted = this.#naksSent >= this.#limits.maxFailure;
    const wanted = rejects.size > 0 ? [] : this.#handler.missing(options);
    if (exhausted && unacceptable.length + wanted.length > 0) {
      const failure = this.#handler.stalemate([...unacceptable, ...wanted]);
      if (failure !== undefined) return failure;
      for (const option of unacceptable) rejects.add(option);
    }
    // In the order of the request (RFC 1661 section 5.4).
    if (rejects.size > 0)
      return { code: CODE.configureReject, options: options.filter((option) => rejects.has(option)) };
    if (!exhausted && naks.length + wanted.length > 0)
      return { code: CODE.configureNak, options: [...naks, ...wanted] };
    return { code: CODE.configureAck, options };
  }

  #receiveAck(packet: ConfigPacket, now: Instant): void {
    if (!this.#isAnswer(packet)) {
      this.#ignore('stale-identifier');
      return;
    }
    if (!equalBytes(packet.data, this.#request.subarray(CONFIG_HEADER))) {
      this.#ignore('ack-differs');
      return;
    }
    const asked = this.#requestOptions;
    this.#settleRequest();
    this.#refusalsReceived = 0;
    this.#handler.acknowledged(asked);
    this.#automaton.event('RCA', now);
  }

  #receiveNak(packet: ConfigPacket, now: Instant): void {
    if (!this.#isAnswer(packet)) {
      this.#ignore('stale-identifier');
      return;
    }
    const options = parseOptions(packet.data);
    if (options === undefined) {
      this.#ignore('malformed-options');
      return;
    }
    // A peer that naks for ever is treated as one that rejects.
    const patient = this.#refusalsReceived < this.#limits.maxFailure;
    const asked = this.#requestOptions.filter((ours) => options.some((option) => option.type === ours.type));
    this.#refusedByPeer(patient ? this.#handler.nakked(options) : this.#handler.rejected(asked), now);
  }

  #receiveReject(packet: ConfigPacket, now: Instant): void {
    if (!this.#isAnswer(packet)) {
      this.#ignore('stale-identifier');
      return;
    }
    const options = parseOptions(packet.data);
    if (options === undefined || options.length === 0) {
      this.#ignore('malformed-options');
      return;
    }
    if (!options.every((option) => this.#requestOptions.some((ours) => sameOption(ours, option)))) {
      this.#ignore('reject-differs');
      return;
    }
    this.#refusedByPeer(this.#handler.rejected(options), now);
  }

  #refusedByPeer(failure: Failure | undefined, now: Instant): void {
    this.#settleRequest();
    this.#refusalsReceived += 1;
    if (failure !== undefined) {
      this.#events.failed(failure);
      return;
    }
    if (this.#refusalsReceived > 4 * this.#limits.maxFailure) {
      this.#fail(`the peer refused ${this.#refusalsReceived} Configure-Requests`);
      return;
    }
    this.#automaton.event('RCN', now);
  }

  #receiveCodeReject(packet: ConfigPacket, now: Instant): void {
    const code = packet.data[0];
    if (code === undefined) {
      this.#ignore('malformed');
      return;
    }
    this.#events.note(
      'ppp.code-rejected',
      `the peer does not know code ${code} of ${describeProtocol(this.#protocol)}`,
    );
    // Codes 1 to 7 are fundamental to every one of these protocols.
    this.#automaton.event(code >= CODE.configureRequest && code <= CODE.codeReject ? 'RXJ-' : 'RXJ+', now);
  }

  /** The reply to the request in flight, the first one to it: later copies are out of sequence (RFC 1661 section 4.3). */
  #isAnswer(packet: ConfigPacket): boolean {
    return !this.#answered && packet.identifier === this.#request[1];
  }

  /** For the automaton: an object or a closure of its own would be one for each layer of very many links. */
  perform(action: NegotiationAction): void {
    switch (action) {
      case 'scr':
        this.#sendRequest();
        return;
      case 'sca':
      case 'scn':
        this.#send(this.#reply);
        return;
      case 'str':
        this.#send(encodeConfigPacket(CODE.terminateRequest, this.nextIdentifier(), asciiBytes(this.#farewell)));
        return;
      case 'sta':
        this.#send(encodeConfigPacket(CODE.terminateAck, this.#peerIdentifier, NO_DATA));
        return;
      case 'scj': {
        const room = Math.max(0, this.#events.peerMru - CONFIG_HEADER);
        this.#send(encodeConfigPacket(CODE.codeReject, this.nextIdentifier(), this.#unknown.subarray(0, room)));
        return;
      }
      case 'tlu':
        this.#events.up();
        return;
      case 'tld':
        this.#events.down();
        return;
      case 'tlf':
        this.#events.finished();
        return;
      default:
      // irc, zrc and tls are the automaton's; ser is the protocol's, which has the packet.
    }
  }

  #sendRequest(): void {
    this.#refused = false;
    if (!this.#retransmit || this.#answered) {
      this.#requestOptions = this.#handler.request();
      const identifier = this.nextIdentifier();
      this.#request = encodeConfigPacket(CODE.configureRequest, identifier, encodeOptions(this.#requestOptions));
      this.#answered = false;
    }
    this.#send(this.#request);
  }

  /** The Configure-Request in flight is answered: a later one is a new one. */
  #settleRequest(): void {
    this.#answered = true;
    this.#request = NO_DATA;
    this.#requestOptions = NO_OPTIONS;
  }

  #beginAnew(): void {
    this.#naksSent = 0;
    this.#refusalsSent = 0;
    this.#refusalsReceived = 0;
    this.#settleRequest();
    this.#handler.begin();
  }

  #send(bytes: Uint8Array): void {
    this.#events.send(this.#protocol, bytes);
  }

  #ignore(why: string): void {
    this.#events.ignored(this.#protocol, why);
  }

  #fail(detail: string): void {
    this.#events.failed({ reason: 'negotiation-failed', detail });
  }
}
