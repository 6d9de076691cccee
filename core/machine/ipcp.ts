import type { Instant } from '../time.ts';
import { PPP } from '../wire/ppp.ts';
import { IpcpClientOptions, type IpcpOptions, type IpcpResult, IpcpServerOptions } from './ipcp-options.ts';
import { Negotiation } from './negotiation.ts';
import type { RestartTimer } from './negotiation-automaton.ts';
import type { NegotiationState } from './negotiation-table.ts';
import type { Failure, LayerEvents } from './negotiation-types.ts';
import type { LinkOptions, NetworkProfile } from './ppp-link-types.ts';

export interface IpcpEvents extends Pick<LayerEvents, 'send' | 'ignored' | 'note' | 'peerMru'> {
  up(result: IpcpResult): void;
  down(): void;
  /** There will be no IP on this link. */
  failed(failure: Failure): void;
  /** The peer closed IPCP, politely; it may begin again. */
  peerTerminated(): void;
}

/** IP Control Protocol (RFC 1332) with the name servers of RFC 1877. */
export class Ipcp {
  readonly #events: IpcpEvents;
  readonly #handler: IpcpOptions;
  readonly #negotiation: Negotiation;
  #cause = 'IPCP ended';
  #closedByPeer = false;

  /** With a profile we assign addresses, without one we ask for them. */
  constructor(options: LinkOptions, profile: NetworkProfile | undefined, events: IpcpEvents, timer: RestartTimer) {
    this.#events = events;
    this.#handler = profile === undefined ? new IpcpClientOptions() : new IpcpServerOptions(profile);
    const layer: LayerEvents = {
      send: (protocol, bytes) => events.send(protocol, bytes),
      up: () => this.#up(),
      down: () => events.down(),
      finished: () => this.#finished(),
      failed: (failure) => events.failed(failure),
      peerTerminated: (text) => this.#peerTerminated(text),
      ignored: (protocol, why) => events.ignored(protocol, why),
      note: (event, detail) => events.note(event, detail),
      peerMru: () => events.peerMru(),
    };
    this.#negotiation = new Negotiation(PPP.ipcp, this.#handler, layer, options, timer);
  }

  get state(): NegotiationState {
    return this.#negotiation.state;
  }

  start(now: Instant): void {
    this.#negotiation.start(now);
  }

  receive(frame: Uint8Array, now: Instant): void {
    this.#negotiation.receive(frame, now);
  }

  timeout(now: Instant): void {
    this.#cause = 'the peer did not answer IPCP';
    this.#negotiation.timeout(now);
  }

  /** A peer that waits for CCP refuses IPCP until then; do not make it wait for the Restart timer too. */
  repeatIfRefused(now: Instant): void {
    this.#negotiation.repeatIfRefused(now);
  }

  protocolRejected(now: Instant): void {
    this.#cause = 'the peer does not know IPCP (Protocol-Reject)';
    this.#closedByPeer = false;
    this.#negotiation.protocolRejected(now);
    this.#finished();
  }

  lowerDown(now: Instant): void {
    this.#negotiation.lowerDown(now);
  }

  #up(): void {
    this.#closedByPeer = false;
    const result = this.#handler.result();
    if ('detail' in result) this.#events.failed(result);
    else this.#events.up(result);
  }

  #finished(): void {
    if (!this.#closedByPeer) this.#events.failed({ reason: 'negotiation-failed', detail: this.#cause });
  }

  #peerTerminated(text: string): void {
    this.#closedByPeer = true;
    this.#events.note('ipcp.terminated', text === '' ? 'the peer closed IPCP' : `the peer closed IPCP: ${text}`);
    this.#events.peerTerminated();
  }
}
