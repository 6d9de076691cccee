import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { Session } from '../../core/datapath/session.ts';
import type { SessionLookup } from '../../core/ports/sessions.ts';

/** The sessions of this process, by our Call ID and by inner address. */
export class SessionTable implements SessionLookup {
  private readonly byId = new Map<number, Session>();
  private readonly byInner = new Map<number, Session>();

  get size(): number {
    return this.byId.size;
  }

  byCallId(localCallId: number): Session | undefined {
    return this.byId.get(localCallId);
  }

  byAddress(address: Ipv4): Session | undefined {
    return this.byInner.get(address);
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

  remove(session: Session): void {
    this.unbind(session);
    if (this.byId.get(session.call.localCallId) === session) this.byId.delete(session.call.localCallId);
  }

  values(): IterableIterator<Session> {
    return this.byId.values();
  }
}
