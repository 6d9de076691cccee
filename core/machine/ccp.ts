import type { MppeKeyMaterial } from '../ports/auth.ts';
import type { Instant } from '../time.ts';
import { PPP } from '../wire/ppp.ts';
import { CODE, type ConfigPacket, encodeConfigPacket } from '../wire/ppp-config.ts';
import { CcpOptions } from './ccp-options.ts';
import { Negotiation } from './negotiation.ts';
import type { RestartTimer } from './negotiation-automaton.ts';
import type { NegotiationState } from './negotiation-table.ts';
import type { Failure, LayerEvents } from './negotiation-types.ts';
import type { EncryptionParameters, LinkOptions, MppeStrength } from './ppp-link-types.ts';

export interface CcpEvents extends Pick<LayerEvents, 'send' | 'ignored' | 'note' | 'peerMru'> {
  /** Opened; `parameters` undefined when both sides agreed to do without encryption. */
  up(parameters: EncryptionParameters | undefined): void;
  down(): void;
  /** There is no encryption, or no more; told once until the peer begins again and CCP opens. */
  finished(detail: string): void;
  /** Encryption is required and cannot be had. */
  failed(failure: Failure): void;
}

/**
 * Compression Control Protocol (RFC 1962) for MPPE (RFC 3078). What the link does when it ends is the caller's, but
 * under the policy `required` every end without encryption is reported as a failure.
 */
export class Ccp {
  readonly #required: boolean;
  readonly #keys: MppeKeyMaterial | undefined;
  readonly #events: CcpEvents;
  readonly #handler: CcpOptions;
  readonly #negotiation: Negotiation;
  #now: Instant;
  #cause = 'CCP ended';
  #over = false;

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
    this.#handler = new CcpOptions(options.encryption, usableStrengths(options, keys));
    const layer: LayerEvents = {
      send: (protocol, bytes) => events.send(protocol, bytes),
      up: () => this.#up(),
      down: () => events.down(),
      finished: () => this.#finished(),
      failed: (failure) => this.#failed(failure),
      peerTerminated: (text) => this.#peerTerminated(text),
      ignored: (protocol, why) => events.ignored(protocol, why),
      note: (event, detail) => events.note(event, detail),
      extension: (packet) => this.#reset(packet),
      peerMru: () => events.peerMru(),
    };
    this.#negotiation = new Negotiation(PPP.ccp, this.#handler, layer, options, timer);
  }

  get state(): NegotiationState {
    return this.#negotiation.state;
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
    this.#finished();
  }

  lowerDown(now: Instant): void {
    this.#now = now;
    this.#negotiation.lowerDown(now);
  }

  #up(): void {
    this.#over = false;
    const result = this.#handler.result();
    if (result.kind === 'encrypted' && this.#keys !== undefined) {
      this.#events.up({ strength: result.strength, stateless: result.stateless, keys: this.#keys });
      return;
    }
    if (this.#required || result.kind === 'mismatch') {
      const what = result.kind === 'clear' ? 'CCP opened without MPPE' : 'the two directions of CCP differ';
      this.#failed({ reason: 'encryption-required', detail: `${what}: ${this.#handler.describe()}` });
      return;
    }
    this.#events.up(undefined);
  }

  #failed(failure: Failure): void {
    if (this.#required) {
      this.#events.failed({ reason: 'encryption-required', detail: failure.detail });
      return;
    }
    this.#cause = failure.detail;
    this.#finished();
    this.#negotiation.close('no agreement', this.#now);
  }

  #finished(): void {
    if (this.#required) this.#events.failed({ reason: 'encryption-required', detail: this.#cause });
    else if (!this.#over) this.#events.finished(this.#cause);
    this.#over = true;
  }

  #peerTerminated(text: string): void {
    this.#cause = text === '' ? 'the peer closed CCP' : `the peer closed CCP: ${text}`;
    this.#finished();
  }

  /**
   * Reset-Request and Reset-Ack. In stateless mode the receiver recovers by itself (RFC 3078 section 8.1), so a
   * request is merely answered, as RFC 1962 section 3.1 wants, and an Ack has nothing to reset.
   */
  #reset(packet: ConfigPacket): boolean {
    if (packet.code !== CODE.resetRequest && packet.code !== CODE.resetAck) return false;
    if (packet.code === CODE.resetRequest && this.state === 'Opened') {
      this.#events.send(PPP.ccp, encodeConfigPacket(CODE.resetAck, packet.identifier, new Uint8Array(0)));
    } else {
      this.#events.ignored(PPP.ccp, packet.code === CODE.resetAck ? 'reset-ack' : 'ccp-not-opened');
    }
    return true;
  }
}

/** The strengths we allow that the keys serve for. */
const usableStrengths = (options: LinkOptions, keys: MppeKeyMaterial | undefined): readonly MppeStrength[] =>
  keys === undefined ? [] : options.mppeStrengths.filter((strength) => keys.strengths?.includes(strength) ?? true);
