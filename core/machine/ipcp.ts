import type { Instant } from '../time.ts';
import { PPP } from '../wire/ppp.ts';
import { IpcpClientOptions, type IpcpOptions, type IpcpResult, IpcpServerOptions } from './ipcp-options.ts';
import type { IpcpSnapshot } from './link-snapshot.ts';
import { Negotiation } from './negotiation.ts';
import type { RestartTimer } from './negotiation-automaton.ts';
import type { NegotiationState } from './negotiation-table.ts';
import type { Failure, LayerEvents } from './negotiation-types.ts';
import type { LinkOptions, NetworkProfile } from './ppp-link-types.ts';

export interface IpcpEvents extends Pick<LayerEvents, 'send' | 'ignored' | 'note' | 'peerMru'> {
  ipcpUp(result: IpcpResult): void;
  ipcpDown(): void;
  /** There will be no IP on this link. */
  failed(failure: Failure): void;
  /** The peer closed IPCP, politely; it may begin again. */
  ipcpTerminated(): void;
}

/** IP Control Protocol (RFC 1332) with the name servers of RFC 1877. The methods of `LayerEvents` are for its negotiation. */
export class Ipcp implements LayerEvents {
  readonly #events: IpcpEvents;
  readonly #handler: IpcpOptions;
  readonly #negotiation: Negotiation;
  #cause = 'IPCP ended';
  #closedByPeer = false;

  /** With a profile we assign addresses, without one we ask for them. */
  constructor(options: LinkOptions, profile: NetworkProfile | undefined, events: IpcpEvents, timer: RestartTimer) {
    this.#events = events;
    this.#handler = profile === undefined ? new IpcpClientOptions() : new IpcpServerOptions(profile);
    this.#negotiation = new Negotiation(PPP.ipcp, this.#handler, this, options, timer);
  }

  get state(): NegotiationState {
    return this.#negotiation.state;
  }

  /** Undefined: a client's, which asks for addresses. */
  snapshot(): IpcpSnapshot | undefined {
    if (!(this.#handler instanceof IpcpServerOptions)) return undefined;
    return {
      negotiation: this.#negotiation.snapshot(),
      options: this.#handler.snapshot(),
      cause: this.#cause,
      closedByPeer: this.#closedByPeer,
    };
  }

  restore(snapshot: IpcpSnapshot): void {
    this.#negotiation.restore(snapshot.negotiation);
    if (this.#handler instanceof IpcpServerOptions) this.#handler.restore(snapshot.options);
    this.#cause = snapshot.cause;
    this.#closedByPeer = snapshot.closedByPeer;
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
    this.finished();
  }

  lowerDown(now: Instant): void {
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

  failed(failure: Failure): void {
    this.#events.failed(failure);
  }

  down(): void {
    this.#events.ipcpDown();
  }

  up(): void {
    this.#closedByPeer = false;
    const result = this.#handler.result();
    if ('detail' in result) this.#events.failed(result);
    else this.#events.ipcpUp(result);
  }

  finished(): void {
    if (!this.#closedByPeer) this.#events.failed({ reason: 'negotiation-failed', detail: this.#cause });
  }

  peerTerminated(text: string): void {
    this.#closedByPeer = true;
    this.#events.note('ipcp.terminated', text === '' ? 'the peer closed IPCP' : `the peer closed IPCP: ${text}`);
    this.#events.ipcpTerminated();
  }
}
