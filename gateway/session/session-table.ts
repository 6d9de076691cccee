import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { Session, SessionIpv6 } from '../../core/datapath/session.ts';
import type { SessionLookup } from '../../core/ports/sessions.ts';
import { NetworkTable } from './network-table.ts';

/** The sessions of this process, by our Call ID, by inner address and by the networks behind them. */
export class SessionTable implements SessionLookup {
  readonly networks = new NetworkTable();
  /** Who has a /64 that is a user's own, by its text. */
  readonly fixedPrefixes = new Map<string, Session>();
  private readonly byId = new Map<number, Session>();
  private readonly byInner = new Map<number, Session>();
  /** By the upper and then the lower half of the /64: no key has to be made per packet. */
  private readonly byHalves = new Map<number, Map<number, Session>>();

  get size(): number {
    return this.byId.size;
  }

  byCallId(localCallId: number): Session | undefined {
    return this.byId.get(localCallId);
  }

  byAddress(address: Ipv4): Session | undefined {
    return this.byInner.get(address) ?? (this.networks.isEmpty ? undefined : this.networks.find(address));
  }

  byPrefix(high: number, low: number): Session | undefined {
    return this.byHalves.get(high)?.get(low);
  }

  add(session: Session): void {
    this.byId.set(session.call.localCallId, session);
  }

  /** From now on packets to `address` go to this session. */
  bind(session: Session, address: Ipv4): void {
    this.unbind(session);
    session.address = address;
    this.byInner.set(address, session);
  }

  unbind(session: Session): void {
    if (session.address === undefined) return;
    if (this.byInner.get(session.address) === session) this.byInner.delete(session.address);
    session.address = undefined;
  }

  /** From now on packets to the /64 go to this session. */
  bindPrefix(session: Session, ipv6: SessionIpv6): void {
    this.unbindPrefix(session);
    session.ipv6 = ipv6;
    const { high, low } = ipv6.prefix;
    const lows = this.byHalves.get(high) ?? new Map<number, Session>();
    lows.set(low, session);
    this.byHalves.set(high, lows);
  }

  unbindPrefix(session: Session): void {
    if (session.ipv6 === undefined) return;
    const { high, low } = session.ipv6.prefix;
    const lows = this.byHalves.get(high);
    if (lows?.get(low) === session) lows.delete(low);
    if (lows?.size === 0) this.byHalves.delete(high);
    session.ipv6 = undefined;
  }

  remove(session: Session): void {
    this.unbind(session);
    this.unbindPrefix(session);
    if (this.byId.get(session.call.localCallId) === session) this.byId.delete(session.call.localCallId);
  }

  values(): IterableIterator<Session> {
    return this.byId.values();
  }
}
