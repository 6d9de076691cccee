import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { CallRefusal } from '../../core/machine/pptp-control-types.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { CallId } from '../../core/ports/ids.ts';
import { GENERAL_ERROR, OUTGOING_RESULT } from '../../core/wire/pptp-message-codes.ts';
import { addTo } from './connection-limits.ts';
import type { ConnectionRules } from './connection-rules.ts';
import { Unproven } from './unproven.ts';

const NO_RESOURCE: CallRefusal = { resultCode: OUTGOING_RESULT.generalError, errorCode: GENERAL_ERROR.noResource };

const refused = (why: string): CallRefusal => ({ ...NO_RESOURCE, why });

/**
 * How many calls there may be: in all and from one source, and of them those whose user has not proven itself, which make
 * room for others as connections do. A client has one call on one connection; without a limit for each source one stranger
 * could hold all calls of the gateway.
 */
export class CallLimits {
  private readonly rules: ConnectionRules;
  private readonly maxCalls: number;
  private readonly clock: Pick<Clock, 'now'>;
  private readonly evict: (call: CallId) => void;
  private readonly sources = new Map<CallId, Ipv4>();
  private readonly bySource = new Map<Ipv4, number>();
  private readonly unproven = new Unproven<CallId>();

  /** `evict` ends a call, which is forgotten already. */
  constructor(rules: ConnectionRules, maxCalls: number, clock: Pick<Clock, 'now'>, evict: (call: CallId) => void) {
    this.rules = rules;
    this.maxCalls = maxCalls;
    this.clock = clock;
    this.evict = evict;
  }

  /**
   * Why a call from there may not be taken now. Others may have been ended so that it may. `isKnown`: a user has logged in
   * from there before.
   */
  refusal(peer: Ipv4, isKnown = false): CallRefusal | undefined {
    const own = this.limitOfSource(peer);
    if (own !== undefined) {
      this.end(this.unproven.lateOneOf(peer, this.clock.now()));
      const still = this.limitOfSource(peer);
      if (still !== undefined) return refused(still);
    }
    if (this.limitOfAll() === undefined) return undefined;
    this.end(this.unproven.victimFor(peer, this.clock.now(), isKnown));
    const left = this.limitOfAll();
    return left === undefined ? undefined : refused(left);
  }

  opened(call: CallId, peer: Ipv4, isKnown = false): void {
    this.sources.set(call, peer);
    addTo(this.bySource, peer, 1);
    this.unproven.add(call, peer, this.clock.now(), isKnown);
  }

  /** False: its user had proven itself before. */
  proven(call: CallId): boolean {
    return this.unproven.remove(call);
  }

  /** True: its user had proven itself. */
  closed(call: CallId): boolean {
    const peer = this.sources.get(call);
    if (peer === undefined) return false;
    this.sources.delete(call);
    addTo(this.bySource, peer, -1);
    return !this.unproven.remove(call);
  }

  private limitOfSource(peer: Ipv4): string | undefined {
    const { maxConnectionsPerSource, maxUnprovenPerSource = maxConnectionsPerSource } = this.rules.limits;
    if ((this.bySource.get(peer) ?? 0) >= maxConnectionsPerSource) {
      return `this address has the most calls allowed, ${maxConnectionsPerSource} (PPTP_MAX_CONNECTIONS_PER_ADDRESS)`;
    }
    if (this.unproven.countOf(peer) < maxUnprovenPerSource) return undefined;
    return `this address has the most calls allowed without a user, ${maxUnprovenPerSource} (PPTP_MAX_UNAUTHENTICATED_PER_ADDRESS)`;
  }

  private limitOfAll(): string | undefined {
    const { maxConnections, maxUnproven = maxConnections } = this.rules.limits;
    if (this.sources.size >= this.maxCalls) {
      return `the gateway has the most calls allowed, ${this.maxCalls} (PPTP_MAX_CALLS; by itself what the pool holds)`;
    }
    if (this.unproven.size < maxUnproven) return undefined;
    return `the gateway has the most calls allowed without a user, ${maxUnproven} (PPTP_MAX_UNAUTHENTICATED)`;
  }

  private end(call: CallId | undefined): void {
    if (call === undefined) return;
    // At once: its connection may be the one that asks, and clears it only after the answer.
    this.closed(call);
    this.evict(call);
  }
}
