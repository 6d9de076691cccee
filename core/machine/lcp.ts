import { asciiText, printable } from '../bytes/ascii.ts';
import { readU16, readU32, writeU16, writeU32 } from '../bytes/bytes.ts';
import type { AuthMethod } from '../ports/auth.ts';
import { after, type Instant } from '../time.ts';
import { PPP } from '../wire/ppp.ts';
import { CODE, CONFIG_HEADER, type ConfigPacket, encodeConfigPacket } from '../wire/ppp-config.ts';
import { EchoKeeper } from './lcp-echo.ts';
import { DEFAULT_MRU, LcpOptions } from './lcp-options.ts';
import type { LcpSnapshot } from './link-snapshot.ts';
import { Negotiation } from './negotiation.ts';
import type { RestartTimer } from './negotiation-automaton.ts';
import type { NegotiationState } from './negotiation-table.ts';
import type { Failure, LayerEvents } from './negotiation-types.ts';
import type { LinkFraming, LinkOptions } from './ppp-link-types.ts';

export interface LcpEvents extends Omit<LayerEvents, 'extension' | 'peerMru'> {
  /** The peer does not know this protocol. */
  protocolRejected(protocol: number): void;
}

/** Protocol-Rejects we send in one restart period at most: a peer out of step must not make us flood it. */
const PROTOCOL_REJECT_BURST = 8;
/** Identification and Time-Remaining texts that are passed on; further ones are only counted. */
const MAX_NOTES = 8;

/**
 * Link Control Protocol: RFC 1661 sections 5 and 6, with Identification and Time-Remaining of RFC 1570. The methods of
 * `LayerEvents` are for its negotiation: an object of their own would cost every link a closure for each.
 */
export class Lcp implements LayerEvents {
  readonly #options: LinkOptions;
  readonly #events: LcpEvents;
  readonly #handler: LcpOptions;
  readonly #negotiation: Negotiation;
  readonly #echo: EchoKeeper;
  readonly #echoTimer: RestartTimer;
  #now: Instant | undefined;
  #notes = 0;
  #rejects = 0;
  #rejectsSince: Instant | undefined;

  constructor(options: LinkOptions, events: LcpEvents, restartTimer: RestartTimer, echoTimer: RestartTimer) {
    this.#options = options;
    this.#events = events;
    this.#handler = new LcpOptions(options);
    this.#echo = new EchoKeeper(options.echoIntervalMs, options.echoFailures);
    this.#echoTimer = echoTimer;
    this.#negotiation = new Negotiation(PPP.lcp, this.#handler, this, options, restartTimer);
  }

  get state(): NegotiationState {
    return this.#negotiation.state;
  }

  get isOpened(): boolean {
    return this.state === 'Opened';
  }

  /** The method that was agreed on, valid while Opened. */
  get method(): AuthMethod | undefined {
    return this.#handler.method;
  }

  get framing(): LinkFraming {
    return this.#handler.framing;
  }

  get peerMru(): number {
    return this.isOpened ? this.#handler.peerMru : DEFAULT_MRU;
  }

  snapshot(): LcpSnapshot {
    return {
      negotiation: this.#negotiation.snapshot(),
      options: this.#handler.snapshot(),
      echo: this.#echo.snapshot(),
      now: this.#now,
      notes: this.#notes,
      rejects: this.#rejects,
      rejectsSince: this.#rejectsSince,
    };
  }

  restore(snapshot: LcpSnapshot): void {
    this.#negotiation.restore(snapshot.negotiation);
    this.#handler.restore(snapshot.options);
    this.#echo.restore(snapshot.echo);
    this.#now = snapshot.now;
    this.#notes = snapshot.notes;
    this.#rejects = snapshot.rejects;
    this.#rejectsSince = snapshot.rejectsSince;
  }

  open(now: Instant): void {
    this.#now = now;
    this.#negotiation.start(now);
  }

  close(farewell: string, now: Instant): void {
    this.#now = now;
    this.#negotiation.close(farewell, now);
  }

  receive(frame: Uint8Array, now: Instant): void {
    this.#now = now;
    this.#negotiation.receive(frame, now);
  }

  /** Something arrived from the peer. */
  heard(now: Instant): void {
    this.#echo.heard(now);
  }

  restartTimeout(now: Instant): void {
    this.#now = now;
    this.#negotiation.timeout(now);
  }

  echoTimeout(now: Instant): void {
    if (!this.isOpened) return;
    const step = this.#echo.due(now);
    if (step.action === 'dead') {
      const detail = `${this.#options.echoFailures} LCP Echo-Requests in a row were not answered`;
      this.#events.failed({ reason: 'echo-timeout', detail });
      return;
    }
    this.#echoTimer.set(step.next);
    if (step.action === 'wait') return;
    this.#send(CODE.echoRequest, this.#negotiation.nextIdentifier(), this.#withMagic(new Uint8Array(0)));
  }

  /** Tells the peer that we do not know a protocol; only when Opened and not too often (RFC 1661 section 5.7). */
  rejectProtocol(protocol: number, information: Uint8Array, now: Instant): void {
    if (!this.isOpened) {
      this.#events.ignored(protocol, 'lcp-not-opened');
      return;
    }
    if (this.#rejectsSince === undefined || now >= after(this.#rejectsSince, this.#options.restartMs)) {
      this.#rejectsSince = now;
      this.#rejects = 0;
    }
    if (this.#rejects >= PROTOCOL_REJECT_BURST) {
      this.#events.ignored(protocol, 'protocol-reject-rate');
      return;
    }
    this.#rejects += 1;
    const room = Math.max(0, this.peerMru - CONFIG_HEADER - 2);
    const rejected = information.subarray(0, room);
    const data = new Uint8Array(2 + rejected.length);
    writeU16(data, 0, protocol);
    data.set(rejected, 2);
    this.#send(CODE.protocolReject, this.#negotiation.nextIdentifier(), data);
  }

  up(): void {
    const first = this.#now === undefined ? undefined : this.#echo.start(this.#now);
    if (first !== undefined) this.#echoTimer.set(first);
    this.#events.up();
  }

  send(protocol: number, bytes: Uint8Array): void {
    this.#events.send(protocol, bytes);
  }

  finished(): void {
    this.#events.finished();
  }

  failed(failure: Failure): void {
    this.#events.failed(failure);
  }

  peerTerminated(text: string): void {
    this.#events.peerTerminated(text);
  }

  ignored(protocol: number, why: string): void {
    this.#events.ignored(protocol, why);
  }

  note(event: string, detail: string): void {
    this.#events.note(event, detail);
  }

  down(): void {
    this.#echoTimer.clear();
    this.#events.down();
  }

  /** Codes 8 to 13; false for any other. */
  extension(packet: ConfigPacket): boolean {
    if (packet.code < CODE.protocolReject || packet.code > CODE.timeRemaining) return false;
    if (packet.code === CODE.identification || packet.code === CODE.timeRemaining) {
      this.#inform(packet);
      return true;
    }
    if (!this.isOpened) {
      this.#events.ignored(PPP.lcp, 'lcp-not-opened');
      return true;
    }
    if (packet.code === CODE.protocolReject) this.#protocolRejected(packet.data);
    else if (packet.data.length < 4) this.#events.ignored(PPP.lcp, 'malformed');
    else if (packet.code === CODE.echoRequest) this.#answerEcho(packet);
    else if (packet.code === CODE.echoReply) this.#echoReply(packet.data);
    else this.#events.ignored(PPP.lcp, 'discard-request');
    return true;
  }

  #answerEcho(packet: ConfigPacket): void {
    const magic = readU32(packet.data, 0);
    if (magic !== 0 && magic === this.#handler.magic) {
      this.#events.failed({ reason: 'loopback', detail: 'our own LCP Echo-Request came back: the link is looped' });
      return;
    }
    const room = Math.max(0, this.peerMru - CONFIG_HEADER - 4);
    this.#send(CODE.echoReply, packet.identifier, this.#withMagic(packet.data.subarray(4, 4 + room)));
  }

  #echoReply(data: Uint8Array): void {
    // Some peers answer with our number instead of theirs. That is no loop: a loop brings the request back first.
    const magic = readU32(data, 0);
    if (magic !== this.#handler.peerMagic && magic !== 0) this.#events.ignored(PPP.lcp, 'echo-reply-magic');
  }

  #protocolRejected(data: Uint8Array): void {
    if (data.length < 2) {
      this.#events.ignored(PPP.lcp, 'malformed');
      return;
    }
    const protocol = readU16(data, 0);
    if (protocol === PPP.lcp) {
      this.#events.failed({ reason: 'negotiation-failed', detail: 'the peer rejects LCP itself' });
    } else {
      this.#events.protocolRejected(protocol);
    }
  }

  #inform(packet: ConfigPacket): void {
    const header = packet.code === CODE.identification ? 4 : 8;
    if (packet.data.length < header || this.#notes >= MAX_NOTES) {
      this.#events.ignored(PPP.lcp, packet.data.length < header ? 'malformed' : 'too-many-notes');
      return;
    }
    this.#notes += 1;
    const text = printable(asciiText(packet.data.subarray(header, header + 256)));
    if (packet.code === CODE.identification) this.#events.note('lcp.identification', text);
    else this.#events.note('lcp.time-remaining', `${readU32(packet.data, 4)} s ${text}`.trim());
  }

  #withMagic(data: Uint8Array): Uint8Array {
    const out = new Uint8Array(4 + data.length);
    writeU32(out, 0, this.#handler.magic);
    out.set(data, 4);
    return out;
  }

  #send(code: number, identifier: number, data: Uint8Array): void {
    this.#events.send(PPP.lcp, encodeConfigPacket(code, identifier, data));
  }
}
