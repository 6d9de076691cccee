import type { Ipv4 } from '../bytes/ipv4-address.ts';
import type { CallEndpoint, SessionId } from '../ports/ids.ts';
import { type Slot, SlotTable } from './slots.ts';

/** What plug-ins may see of a session. */
export interface SessionView {
  readonly id: SessionId;
  readonly call: CallEndpoint;
  /** The authenticated user name; undefined before authentication. */
  readonly identity: string | undefined;
  /** The inner address assigned to the peer; undefined until IPCP is open. */
  readonly address: Ipv4 | undefined;
}

/** One call on the data path. Each stage keeps its per-session state in a slot of its own. */
export class Session implements SessionView {
  readonly id: SessionId;
  readonly call: CallEndpoint;
  identity: string | undefined;
  address: Ipv4 | undefined;
  private readonly slots = new SlotTable();

  constructor(id: SessionId, call: CallEndpoint) {
    this.id = id;
    this.call = call;
  }

  get<T>(slot: Slot<T>): T | undefined {
    return this.slots.get(slot);
  }

  set<T>(slot: Slot<T>, value: T | undefined): void {
    this.slots.set(slot, value);
  }
}
