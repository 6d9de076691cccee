import type { MppeKeyMaterial } from '../ports/auth.ts';
import { after, type Instant, instant } from '../time.ts';
import { PPP } from '../wire/ppp.ts';
import { CODE, type ConfigPacket, encodeConfigPacket } from '../wire/ppp-config.ts';
import { CcpOptions } from './ccp-options.ts';
import type { CcpSnapshot } from './link-snapshot.ts';
import { Negotiation } from './negotiation.ts';
import type { RestartTimer } from './negotiation-automaton.ts';
import type { NegotiationState } from './negotiation-table.ts';
import type { Failure, LayerEvents } from './negotiation-types.ts';
import type { EncryptionParameters, LinkOptions, MppeStrength } from './ppp-link-types.ts';

export interface CcpEvents extends Pick<LayerEvents, 'send' | 'ignored' | 'note' | 'peerMru'> {
  /** Opened; `parameters` undefined when both sides agreed to do without encryption and compression. */
  ccpUp(parameters: EncryptionParameters | undefined): void;
  /** The peer asks for a reset of what we send. */
  flush(): void;
  ccpDown(): void;
  /** There is no encryption, or no more; told once until the peer begins again and CCP opens. */
  ccpFinished(detail: string): void;
  /** Encryption is required and cannot be had. */
  failed(failure: Failure): void;
}

const NO_KEYS: MppeKeyMaterial = { send: new Uint8Array(0), receive: new Uint8Array(0) };
/** Reset-Requests are at least this far apart, in ms, whatever the data path asks for. */
const RESET_INTERVAL_MS = 100;

/**
 * Compression Control Protocol (RFC 1962) for MPPE (RFC 3078) and MPPC (RFC 2118). What the link does when it ends is
 * the caller's, but under the policy `required` every end without encryption is reported as a failure. The methods of
 * `LayerEvents` are for its negotiation.
 */
export class Ccp implements LayerEvents {
  readonly #required: boolean;
  readonly #keys: MppeKeyMaterial | undefined;
  readonly #events: CcpEvents;
  readonly #handler: CcpOptions;
  readonly #negotiation: Negotiation;
  #now: Instant;
  #cause = 'CCP ended';
  #over = false;
  #resetIdentifier = 0;
  #resetAnswered = true;
  #resetAfter: Instant = instant(0);

  constructor(
    options: LinkOptions,
    keys: MppeKeyMaterial | undefined,
    events: CcpEvents,
    timer: RestartTimer,
    now: Instant,
  ) {
    this.#required = options.encryption === 'required';
    this.#keys = keys;
    this.#events = events;
    this.#now = now;
    const { encryption, statefulMppe = 'off', mppc = 'off' } = options;
    const strengths = usableStrengths(options, keys);
    this.#handler = new CcpOptions({ encryption, strengths, stateful: statefulMppe, mppc });
    this.#negotiation = new Negotiation(PPP.ccp, this.#handler, this, options, timer);
  }

  get state(): NegotiationState {
    return this.#negotiation.state;
  }

  snapshot(): CcpSnapshot {
    return {
      negotiation: this.#negotiation.snapshot(),
      options: this.#handler.snapshot(),
      now: this.#now,
      cause: this.#cause,
      over: this.#over,
      resetIdentifier: this.#resetIdentifier,
      resetAnswered: this.#resetAnswered,
      resetAfter: this.#resetAfter,
    };
  }

  restore(snapshot: CcpSnapshot): void {
    this.#negotiation.restore(snapshot.negotiation);
    this.#handler.restore(snapshot.options);
    this.#now = snapshot.now;
    this.#cause = snapshot.cause;
    this.#over = snapshot.over;
    this.#resetIdentifier = snapshot.resetIdentifier;
    this.#resetAnswered = snapshot.resetAnswered;
    this.#resetAfter = snapshot.resetAfter;
  }

  start(now: Instant): void {
    this.#now = now;
    this.#negotiation.start(now);
  }

  receive(frame: Uint8Array, now: Instant): void {
    this.#now = now;
    this.#negotiation.receive(frame, now);
  }

  timeout(now: Instant): void {
    this.#now = now;
    if (!this.#over) this.#cause = 'the peer did not answer CCP';
    this.#negotiation.timeout(now);
  }

  protocolRejected(now: Instant): void {
    this.#now = now;
    this.#cause = 'the peer does not know CCP (Protocol-Reject)';
    this.#negotiation.protocolRejected(now);
    this.finished();
  }

  lowerDown(now: Instant): void {
    this.#now = now;
    this.#negotiation.lowerDown(now);
  }

  get peerMru(): number {
    return this.#events.peerMru;
  }

  send(protocol: number, bytes: Uint8Array): void {
    this.#events.send(protocol, bytes);
  }

  ignored(protocol: number, why: string): void {
    this.#events.ignored(protocol, why);
  }

  note(event: string, detail: string): void {
    this.#events.note(event, detail);
  }

  down(): void {
    this.#events.ccpDown();
  }

  up(): void {
    this.#over = false;
    const result = this.#handler.result();
    if (result.kind === 'agreed' && !(this.#required && result.strength === undefined)) {
      const { strength, send, receive } = result;
      const keys = strength === undefined ? undefined : this.#keys;
      this.#events.ccpUp({ strength, ...send, keys: keys ?? NO_KEYS, receive });
      return;
    }
    if (this.#required || result.kind === 'mismatch') {
      const what = result.kind === 'mismatch' ? 'the two directions of CCP differ' : 'CCP opened without MPPE';
      this.failed({ reason: 'encryption-required', detail: `${what}: ${this.#handler.describe()}` });
      return;
    }
    this.#events.ccpUp(undefined);
  }

  failed(failure: Failure): void {
    if (this.#required) {
      this.#events.failed({ reason: 'encryption-required', detail: failure.detail });
      return;
    }
    this.#cause = failure.detail;
    this.finished();
    this.#negotiation.close('no agreement', this.#now);
  }

  finished(): void {
    if (this.#required) this.#events.failed({ reason: 'encryption-required', detail: this.#cause });
    else if (!this.#over) this.#events.ccpFinished(this.#cause);
    this.#over = true;
  }

  peerTerminated(text: string): void {
    this.#cause = text === '' ? 'the peer closed CCP' : `the peer closed CCP: ${text}`;
    this.finished();
  }

  /** The data path lost synchronisation of what we receive. */
  requestReset(now: Instant): void {
    if (this.state !== 'Opened' || now < this.#resetAfter) return;
    this.#resetAfter = after(now, RESET_INTERVAL_MS);
    // A retransmission keeps its identifier, until an answer has come (RFC 1962 section 3.1).
    if (this.#resetAnswered) this.#resetIdentifier = this.#negotiation.nextIdentifier();
    this.#resetAnswered = false;
    this.#events.send(PPP.ccp, encodeConfigPacket(CODE.resetRequest, this.#resetIdentifier, new Uint8Array(0)));
  }

  /**
   * RFC 3078 section 8.2 does without a Reset-Ack, RFC 1962 section 3.1 wants one, and Linux decrypts nothing before it
   * has come: it goes first, and the FLUSHED packet follows.
   */
  extension(packet: ConfigPacket): boolean {
    if (packet.code !== CODE.resetRequest && packet.code !== CODE.resetAck) return false;
    if (this.state !== 'Opened') {
      this.#events.ignored(PPP.ccp, 'ccp-not-opened');
    } else if (packet.code === CODE.resetRequest) {
      this.#events.send(PPP.ccp, encodeConfigPacket(CODE.resetAck, packet.identifier, new Uint8Array(0)));
      this.#events.flush();
    } else if (!this.#resetAnswered && packet.identifier === this.#resetIdentifier) {
      // Nothing to do: the FLUSHED packet is what resets the receiver.
      this.#resetAnswered = true;
    } else {
      this.#events.ignored(PPP.ccp, 'reset-ack');
    }
    return true;
  }
}

/** The strengths we allow that the keys serve for. */
const usableStrengths = (
  { mppeStrengths }: LinkOptions,
  keys: MppeKeyMaterial | undefined,
): readonly MppeStrength[] => {
  if (keys === undefined) return [];
  const { strengths } = keys;
  // The list of the options itself, where that is the answer: very many links share it.
  return strengths === undefined ? mppeStrengths : mppeStrengths.filter((strength) => strengths.includes(strength));
};
