import type { Bits64 } from '../bytes/ipv6-address.ts';
import type { RandomSource } from '../ports/random.ts';
import type { Instant } from '../time.ts';
import { PPP } from '../wire/ppp.ts';
import { type InterfaceIds, Ipv6cpOptions } from './ipv6cp-options.ts';
import { Negotiation } from './negotiation.ts';
import type { NegotiationLimits, RestartTimer } from './negotiation-automaton.ts';
import type { NegotiationState } from './negotiation-table.ts';
import type { LayerEvents } from './negotiation-types.ts';

export interface Ipv6cpEvents extends Pick<LayerEvents, 'send' | 'ignored' | 'note' | 'peerMru'> {
  up(ids: InterfaceIds): void;
  down(): void;
  /** There is no IPv6, or no more; told once until it opens again. */
  finished(detail: string): void;
}

/**
 * IPv6 Control Protocol (RFC 5072). Nothing that happens here ends the link: without an agreement it goes on with what
 * else is open, and a line of the log says why there is no IPv6.
 */
export class Ipv6cp {
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
    const layer: LayerEvents = {
      send: (protocol, bytes) => events.send(protocol, bytes),
      up: () => this.#opened(),
      down: () => this.#closed(),
      finished: () => this.#finished('the peer and we do not agree on IPV6CP'),
      failed: (failure) => this.#giveUp(failure.detail),
      peerTerminated: (text) => events.note('ipv6cp.terminated', `the peer closed IPV6CP${text && `: ${text}`}`),
      ignored: (protocol, why) => events.ignored(protocol, why),
      note: (event, detail) => events.note(event, detail),
      peerMru: () => events.peerMru(),
    };
    this.#negotiation = new Negotiation(PPP.ipv6cp, this.#handler, layer, limits, timer);
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
    this.#negotiation.timeout(now);
  }

  repeatIfRefused(now: Instant): void {
    this.#now = now;
    this.#negotiation.repeatIfRefused(now);
  }

  protocolRejected(now: Instant): void {
    this.#now = now;
    this.#finished('the peer does not know IPV6CP (Protocol-Reject)');
    this.#negotiation.protocolRejected(now);
  }

  lowerDown(now: Instant): void {
    this.#now = now;
    this.#negotiation.lowerDown(now);
  }

  #opened(): void {
    const result = this.#handler.result();
    if ('detail' in result) {
      this.#giveUp(result.detail);
      return;
    }
    this.#over = false;
    this.#up = true;
    this.#events.up(result);
  }

  #closed(): void {
    if (!this.#up) return;
    this.#up = false;
    this.#events.down();
  }

  /** Our side closes the protocol: a Terminate-Request, and then silence. */
  #giveUp(detail: string): void {
    this.#finished(detail);
    if (this.#now !== undefined) this.#negotiation.close('', this.#now);
  }

  #finished(detail: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.note('ipv6cp.not-open', detail);
    this.#events.finished(detail);
  }
}
