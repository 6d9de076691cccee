import type { Bits64 } from '../bytes/ipv6-address.ts';
import type { RandomSource } from '../ports/random.ts';
import type { Instant } from '../time.ts';
import { PPP } from '../wire/ppp.ts';
import { type InterfaceIds, Ipv6cpOptions } from './ipv6cp-options.ts';
import type { Ipv6cpSnapshot } from './link-snapshot.ts';
import { Negotiation } from './negotiation.ts';
import type { NegotiationLimits, RestartTimer } from './negotiation-automaton.ts';
import type { NegotiationState } from './negotiation-table.ts';
import type { Failure, LayerEvents } from './negotiation-types.ts';

export interface Ipv6cpEvents extends Pick<LayerEvents, 'send' | 'ignored' | 'note' | 'peerMru'> {
  ipv6cpUp(ids: InterfaceIds): void;
  ipv6cpDown(): void;
  /** There is no IPv6, or no more; told once until it opens again. */
  ipv6cpFinished(detail: string): void;
}

/**
 * IPv6 Control Protocol (RFC 5072). Nothing that happens here ends the link: without an agreement it goes on with what
 * else is open, and a line of the log says why there is no IPv6. The methods of `LayerEvents` are for its negotiation.
 */
export class Ipv6cp implements LayerEvents {
  readonly #events: Ipv6cpEvents;
  readonly #handler: Ipv6cpOptions;
  readonly #negotiation: Negotiation;
  #now: Instant | undefined;
  #up = false;
  #over = false;

  constructor(
    limits: NegotiationLimits & { readonly random: RandomSource },
    ids: { readonly localInterfaceId?: Bits64; readonly peerInterfaceId?: Bits64 },
    events: Ipv6cpEvents,
    timer: RestartTimer,
  ) {
    this.#events = events;
    this.#handler = new Ipv6cpOptions(limits.random, ids.localInterfaceId, ids.peerInterfaceId);
    this.#negotiation = new Negotiation(PPP.ipv6cp, this.#handler, this, limits, timer);
  }

  get state(): NegotiationState {
    return this.#negotiation.state;
  }

  snapshot(): Ipv6cpSnapshot {
    return {
      negotiation: this.#negotiation.snapshot(),
      options: this.#handler.snapshot(),
      now: this.#now,
      up: this.#up,
      over: this.#over,
    };
  }

  restore(snapshot: Ipv6cpSnapshot): void {
    this.#negotiation.restore(snapshot.negotiation);
    this.#handler.restore(snapshot.options);
    this.#now = snapshot.now;
    this.#up = snapshot.up;
    this.#over = snapshot.over;
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
    this.#negotiation.timeout(now);
  }

  repeatIfRefused(now: Instant): void {
    this.#now = now;
    this.#negotiation.repeatIfRefused(now);
  }

  protocolRejected(now: Instant): void {
    this.#now = now;
    this.#finish('the peer does not know IPV6CP (Protocol-Reject)');
    this.#negotiation.protocolRejected(now);
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

  finished(): void {
    this.#finish('the peer and we do not agree on IPV6CP');
  }

  failed({ detail }: Failure): void {
    this.#giveUp(detail);
  }

  peerTerminated(text: string): void {
    this.#events.note('ipv6cp.terminated', `the peer closed IPV6CP${text && `: ${text}`}`);
  }

  up(): void {
    const result = this.#handler.result();
    if ('detail' in result) {
      this.#giveUp(result.detail);
      return;
    }
    this.#over = false;
    this.#up = true;
    this.#events.ipv6cpUp(result);
  }

  down(): void {
    if (!this.#up) return;
    this.#up = false;
    this.#events.ipv6cpDown();
  }

  /** Our side closes the protocol: a Terminate-Request, and then silence. */
  #giveUp(detail: string): void {
    this.#finish(detail);
    if (this.#now !== undefined) this.#negotiation.close('', this.#now);
  }

  #finish(detail: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.note('ipv6cp.not-open', detail);
    this.#events.ipv6cpFinished(detail);
  }
}
