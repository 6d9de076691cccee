import {
  type Bits64,
  equalBits64,
  type Ipv6,
  isZeroBits64,
  linkLocal,
  parseIpv6,
  UNSPECIFIED,
} from '../bytes/ipv6-address.ts';
import type { RandomSource } from '../ports/random.ts';
import { after, earliest, type Instant, instant } from '../time.ts';
import { ICMPV6, type Icmpv6Message, icmpv6Packet, ND_HOP_LIMIT, parseIcmpv6 } from '../wire/icmpv6.ts';
import {
  isRouterSolicitation,
  neighborAdvertisementBody,
  routerAdvertisementBody,
  solicitedTarget,
} from '../wire/router-advertisement.ts';
import type { Machine } from './machine.ts';

export interface RouterAdvertiserOptions {
  readonly localInterfaceId: Bits64;
  /** The /64 of the session. */
  readonly prefix: Bits64;
  /** Largest IPv6 packet that fits the tunnel, octets. */
  readonly mtu: number;
  readonly dns: readonly Ipv6[];
  readonly random: RandomSource;
}

export type RouterAdvertiserInput =
  /** IPV6CP opened. */
  | { readonly kind: 'start' }
  /** A whole IPv6 packet from the peer to this link or to us; borrowed until return. */
  | { readonly kind: 'packet'; readonly bytes: Uint8Array };

/** A whole IPv6 packet for the peer. */
export interface RouterAdvertiserEffect {
  readonly kind: 'send';
  readonly bytes: Uint8Array;
}

/** RFC 4861 sections 6.2.1 and 10. */
const MAX_INTERVAL_MS = 600_000;
const MIN_INTERVAL_MS = 200_000;
const INITIAL_ADVERTISEMENTS = 3;
const MAX_INITIAL_INTERVAL_MS = 16_000;
const MAX_REPLY_DELAY_MS = 500;
const MIN_BETWEEN_MULTICASTS_MS = 3_000;
/** Three intervals: two lost advertisements do no harm. Seconds. */
const ROUTER_LIFETIME = 1_800;
const PREFERRED_LIFETIME = 1_800;
/** The prefix belongs to the session; nobody shall keep addresses of it for long. Seconds. */
const VALID_LIFETIME = 7_200;

const ALL_NODES = parseIpv6('ff02::1') ?? UNSPECIFIED;
const ALL_ROUTERS = parseIpv6('ff02::2') ?? UNSPECIFIED;
const NONE: readonly RouterAdvertiserEffect[] = [];

/**
 * The router that a peer sees at the other end of its tunnel: Router Advertisements (RFC 4861 section 6.2) on its own
 * and when asked, Neighbor Advertisements and echo replies for its own link-local address.
 */
export class RouterAdvertiser implements Machine<RouterAdvertiserInput, RouterAdvertiserEffect> {
  readonly #options: RouterAdvertiserOptions;
  readonly #self: Ipv6;
  readonly #body: Uint8Array;
  #sent = 0;
  #next: Instant | undefined;
  #lastMulticast: Instant | undefined;
  /** The one solicitation that waits for its answer. */
  #reply: { readonly at: Instant; readonly to: Ipv6 } | undefined;

  constructor(options: RouterAdvertiserOptions) {
    this.#options = options;
    this.#self = linkLocal(options.localInterfaceId);
    this.#body = routerAdvertisementBody({
      routerLifetime: ROUTER_LIFETIME,
      hopLimit: 64,
      prefixes: [
        {
          prefix: options.prefix,
          // There is nobody but us on this link: everything else, neighbours in the prefix included, is behind us.
          onLink: false,
          autonomous: true,
          validLifetime: VALID_LIFETIME,
          preferredLifetime: PREFERRED_LIFETIME,
        },
      ],
      mtu: options.mtu,
      dns: options.dns,
      dnsLifetime: ROUTER_LIFETIME,
    });
  }

  handle(input: RouterAdvertiserInput, now: Instant): readonly RouterAdvertiserEffect[] {
    if (input.kind === 'start') {
      this.#sent = 0;
      return [this.#advertise(now)];
    }
    const message = parseIcmpv6(input.bytes);
    return message === undefined ? NONE : this.#receive(message, now);
  }

  nextTimeout(): Instant | undefined {
    return earliest(this.#next, this.#reply?.at);
  }

  handleTimeout(now: Instant): readonly RouterAdvertiserEffect[] {
    const out: RouterAdvertiserEffect[] = [];
    if (this.#next !== undefined && this.#next <= now) {
      out.push(this.#advertise(now));
      // It answers a multicast reply that waits, too.
      if (this.#reply?.to === ALL_NODES) this.#reply = undefined;
    }
    const reply = this.#reply;
    if (reply !== undefined && reply.at <= now) {
      this.#reply = undefined;
      if (reply.to === ALL_NODES) this.#lastMulticast = now;
      out.push(this.#send(ICMPV6.routerAdvertisement, reply.to, this.#body));
    }
    return out;
  }

  #receive(message: Icmpv6Message, now: Instant): readonly RouterAdvertiserEffect[] {
    if (isRouterSolicitation(message)) {
      this.#solicited(message.source, now);
      return NONE;
    }
    const target = solicitedTarget(message);
    if (target !== undefined) {
      if (!sameAddress(target, this.#self)) return NONE;
      const known = !isUnspecified(message.source);
      const body = neighborAdvertisementBody(target, known);
      return [this.#send(ICMPV6.neighborAdvertisement, known ? message.source : ALL_NODES, body)];
    }
    const forUs = [this.#self, ALL_NODES, ALL_ROUTERS].some((own) => sameAddress(own, message.destination));
    if (message.type !== ICMPV6.echoRequest || !forUs || isUnspecified(message.source)) return NONE;
    return [this.#send(ICMPV6.echoReply, message.source, message.body.slice())];
  }

  /** Later solicitations wait with the first one (RFC 4861 section 6.2.6). */
  #solicited(from: Ipv6, now: Instant): void {
    if (this.#reply !== undefined) return;
    const at = after(now, this.#between(0, MAX_REPLY_DELAY_MS));
    if (!isUnspecified(from)) {
      this.#reply = { at, to: from };
      return;
    }
    const soonest = this.#lastMulticast === undefined ? at : after(this.#lastMulticast, MIN_BETWEEN_MULTICASTS_MS);
    this.#reply = { at: instant(Math.max(soonest, at)), to: ALL_NODES };
  }

  #advertise(now: Instant): RouterAdvertiserEffect {
    this.#sent += 1;
    this.#lastMulticast = now;
    const interval = this.#between(MIN_INTERVAL_MS, MAX_INTERVAL_MS);
    const initial = this.#sent < INITIAL_ADVERTISEMENTS;
    this.#next = after(now, initial ? Math.min(interval, MAX_INITIAL_INTERVAL_MS) : interval);
    return this.#send(ICMPV6.routerAdvertisement, ALL_NODES, this.#body);
  }

  #send(type: number, destination: Ipv6, body: Uint8Array): RouterAdvertiserEffect {
    // Only Neighbor Discovery needs 255, and a reply to an echo is none the worse for it.
    return {
      kind: 'send',
      bytes: icmpv6Packet({ source: this.#self, destination, hopLimit: ND_HOP_LIMIT, type, code: 0, body }),
    };
  }

  #between(least: number, most: number): number {
    const [high = 0, low = 0] = this.#options.random.bytes(2);
    return least + Math.floor(((high * 256 + low) / 65_536) * (most - least));
  }
}

const sameAddress = (a: Ipv6, b: Ipv6): boolean =>
  equalBits64(a.prefix, b.prefix) && equalBits64(a.interfaceId, b.interfaceId);
const isUnspecified = (a: Ipv6): boolean => isZeroBits64(a.prefix) && isZeroBits64(a.interfaceId);
