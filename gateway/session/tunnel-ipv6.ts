import { type Bits64, formatPrefix64, type Ipv6 } from '../../core/bytes/ipv6-address.ts';
import type { Session } from '../../core/datapath/session.ts';
import { PPP_FRAMING } from '../../core/datapath/stages/ppp.stage.ts';
import { randomInterfaceId } from '../../core/machine/ipv6cp-options.ts';
import type { Ipv6Profile, LinkIpv6 } from '../../core/machine/ppp-link-types.ts';
import { RouterAdvertiser, type RouterAdvertiserEffect } from '../../core/machine/router-advertiser.ts';
import type { HostRoutes } from '../../core/ports/host-routes.ts';
import type { Log } from '../../core/ports/log.ts';
import type { RandomSource } from '../../core/ports/random.ts';
import type { Instant } from '../../core/time.ts';
import { MPPE_OVERHEAD } from '../../core/wire/mppe-header.ts';
import type { PrefixPool } from './prefix-pool.ts';
import type { RouteTurns } from './route-turns.ts';
import type { SessionTable } from './session-table.ts';
import type { Ipv6Snapshot } from './tunnel-snapshot.ts';

/** What the tunnels of a gateway with IPv6 share. */
export interface Ipv6Services {
  readonly prefixes: PrefixPool;
  readonly dns: readonly Ipv6[];
  /** Of the tunnel device, octets. */
  readonly mtu: number;
  readonly random: RandomSource;
  /** Undefined: the operator sets up the routes. */
  readonly routes: () => HostRoutes | undefined;
  readonly turns: RouteTurns;
  /** User data of our own for the peer: a whole IPv6 packet. */
  send(session: Session, bytes: Uint8Array): void;
}

/** IPv6 of one tunnel: its /64, and the router at our end of it. */
export class TunnelIpv6 {
  private readonly session: Session;
  private readonly services: Ipv6Services;
  private readonly sessions: SessionTable;
  private readonly log: Log;
  private assigned: Ipv6Profile | undefined;
  private router: RouterAdvertiser | undefined;
  /** The prefix is the user's own, and the host has a route to it of its own. */
  private fixed = false;
  private routed = false;

  constructor(session: Session, services: Ipv6Services, sessions: SessionTable, log: Log) {
    this.session = session;
    this.services = services;
    this.sessions = sessions;
    this.log = log;
  }

  /**
   * A prefix and a name for our end, the same until `release`; undefined, with a line in the log, when the pool is
   * empty.
   */
  profile(): Ipv6Profile | undefined {
    if (this.assigned !== undefined) return this.assigned;
    const { prefixes, random } = this.services;
    const prefix = prefixes.lease();
    if (prefix === undefined) {
      const detail = 'no IPv6 prefix is free for this call, which goes on without: enlarge PPTP_IPV6_POOL';
      this.log.warn('ipv6.exhausted', detail);
      return undefined;
    }
    this.assigned = { prefix, localInterfaceId: randomInterfaceId(random) };
    return this.assigned;
  }

  /**
   * Takes the prefix of the user for `profile` to answer with, or what the pool gives again where there is none. Returns
   * why it cannot be had, as a sentence. `givesWay` ends a session that has it, if that may be; `failed` is told when the
   * host does not take the route to it.
   */
  wish(
    wanted: Bits64 | undefined,
    givesWay: (holder: Session) => boolean,
    failed: (detail: string) => void,
  ): string | undefined {
    const had = this.assigned?.prefix;
    const same = wanted === undefined ? !this.fixed : had?.high === wanted.high && had.low === wanted.low;
    if (same) return undefined;
    this.release();
    if (wanted === undefined) return undefined;
    const { prefixes, random, turns } = this.services;
    const text = formatPrefix64(wanted);
    const { fixedPrefixes } = this.sessions;
    let lease = prefixes.leaseFixed(wanted);
    const holder = lease === 'in-use' ? fixedPrefixes.get(text) : undefined;
    if (holder !== undefined && givesWay(holder)) lease = prefixes.leaseFixed(wanted);
    if (lease === 'in-use') return `the user's IPv6 prefix ${text} is in use`;
    if (lease === 'elsewhere') {
      return `the user's IPv6 prefix ${text} lies in the part of PPTP_IPV6_POOL of another worker: take one that is not of the pool`;
    }
    this.fixed = true;
    fixedPrefixes.set(text, this.session);
    this.assigned = { prefix: wanted, localInterfaceId: randomInterfaceId(random) };
    const routes = this.services.routes();
    if (lease === 'outside' && routes !== undefined) {
      turns.add(text, () => routes.addPrefix(wanted), failed);
      this.routed = true;
    }
    return undefined;
  }

  /** IPV6CP opened or closed. */
  change(ipv6: LinkIpv6 | undefined, now: Instant): void {
    this.router = undefined;
    this.sessions.unbindPrefix(this.session);
    if (ipv6?.prefix === undefined) return;
    const { localInterfaceId, peerInterfaceId, prefix } = ipv6;
    this.sessions.bindPrefix(this.session, { localInterfaceId, peerInterfaceId, prefix });
    const { random, dns } = this.services;
    const peerMru = this.session.get(PPP_FRAMING)?.peerMru ?? this.services.mtu;
    const mtu = Math.min(this.services.mtu, peerMru - MPPE_OVERHEAD);
    this.router = new RouterAdvertiser({ localInterfaceId, prefix, mtu, dns, random });
    this.log.info('session.ipv6-up', `IPv6 is up: ${formatPrefix64(prefix)}`, { prefix: formatPrefix64(prefix) });
    this.send(this.router.handle({ kind: 'start' }, now));
  }

  /** Undefined: the peer has no prefix. */
  snapshot(): Ipv6Snapshot | undefined {
    const { assigned, fixed, routed } = this;
    if (assigned === undefined) return undefined;
    const { prefix, localInterfaceId } = assigned;
    return { prefix, localInterfaceId, fixed, routed, up: this.session.ipv6 };
  }

  /** In a process that takes over: the host has the route already. False: somebody else has the prefix by now. */
  restore({ prefix, localInterfaceId, fixed, routed, up }: Ipv6Snapshot, now: Instant): boolean {
    const lease = this.services.prefixes.leaseFixed(prefix);
    if (lease === 'in-use' || lease === 'elsewhere') return false;
    this.assigned = { prefix, localInterfaceId };
    this.fixed = fixed;
    this.routed = routed;
    if (fixed) this.sessions.fixedPrefixes.set(formatPrefix64(prefix), this.session);
    if (up !== undefined) this.change(up, now);
    return true;
  }

  packet(bytes: Uint8Array, now: Instant): void {
    if (this.router !== undefined) this.send(this.router.handle({ kind: 'packet', bytes }, now));
  }

  nextTimeout(): Instant | undefined {
    return this.router?.nextTimeout();
  }

  handleTimeout(now: Instant): void {
    if (this.router !== undefined) this.send(this.router.handleTimeout(now));
  }

  release(): void {
    this.router = undefined;
    this.sessions.unbindPrefix(this.session);
    const { assigned, services } = this;
    const routes = services.routes();
    if (assigned !== undefined) {
      const { prefix } = assigned;
      services.prefixes.release(prefix);
      if (this.fixed) this.sessions.fixedPrefixes.delete(formatPrefix64(prefix));
      if (this.routed && routes !== undefined) {
        services.turns.remove(formatPrefix64(prefix), () => routes.removePrefix(prefix));
      }
    }
    this.assigned = undefined;
    this.fixed = false;
    this.routed = false;
  }

  private send(effects: readonly RouterAdvertiserEffect[]): void {
    for (const { bytes } of effects) this.services.send(this.session, bytes);
  }
}
