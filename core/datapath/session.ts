import type { Ipv4 } from '../bytes/ipv4-address.ts';
import type { Bits64 } from '../bytes/ipv6-address.ts';
import type { Direction, DropReason } from '../outcome.ts';
import type { CallEndpoint, SessionId } from '../ports/ids.ts';
import { type Slot, SlotTable } from './slots.ts';

/** IPv6 of a session whose IPV6CP is open. */
export interface SessionIpv6 {
  /** The /64 of the peer alone. */
  readonly prefix: Bits64;
  readonly localInterfaceId: Bits64;
  readonly peerInterfaceId: Bits64;
}

/** What plug-ins may see of a session. */
export interface SessionView {
  readonly id: SessionId;
  readonly call: CallEndpoint;
  /** The authenticated user name; undefined before authentication. */
  readonly identity: string | undefined;
  /** The inner address assigned to the peer; undefined until IPCP is open. */
  readonly address: Ipv4 | undefined;
  /** Undefined until IPV6CP is open. */
  readonly ipv6: SessionIpv6 | undefined;
  /**
   * What the peer said of itself, by name: `ppp.lcp.identification`, `ppp.lcp.time_remaining`, `pptp.peer.host_name`.
   * Printable, and nothing to rely on.
   */
  readonly attributes: ReadonlyMap<string, string>;
}

/** Attribute of a session: the Host Name of the peer's Start-Control-Connection message; absent where that is empty. */
export const PEER_HOST_NAME = 'pptp.peer.host_name';

export const dropKey = (stage: string, direction: Direction, reason: DropReason): string =>
  `${stage} ${direction} ${reason}`;

// Most sessions say nothing and lose nothing, and a map takes some 200 octets.
const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map();
/** Maps of one attribute, by name and value: most peers say one word of themselves, and nearly all of them the same one. */
const ALONE = new Map<string, ReadonlyMap<string, string>>();
const MOST_ALONE = 256;

const alone = (name: string, value: string): ReadonlyMap<string, string> => {
  const key = `${name}\n${value}`;
  const known = ALONE.get(key);
  if (known !== undefined) return known;
  // Peers choose the values: those that are common come back at once.
  if (ALONE.size >= MOST_ALONE) ALONE.clear();
  const made = new Map([[name, value]]);
  ALONE.set(key, made);
  return made;
};

const NO_DROPS: ReadonlyMap<string, number> = new Map();

/** One call on the data path. Each stage keeps its per-session state in a slot of its own. */
export class Session implements SessionView {
  readonly id: SessionId;
  readonly call: CallEndpoint;
  identity: string | undefined;
  address: Ipv4 | undefined;
  ipv6: SessionIpv6 | undefined;
  /** May be shared with other sessions: never changed, but replaced. */
  private said: ReadonlyMap<string, string> | undefined;
  private dropCounts: Map<string, number> | undefined;
  private readonly slots = new SlotTable();

  constructor(id: SessionId, call: CallEndpoint) {
    this.id = id;
    this.call = call;
  }

  get attributes(): ReadonlyMap<string, string> {
    return this.said ?? NO_ATTRIBUTES;
  }

  /** Keeps what the peer said of itself. */
  attribute(name: string, value: string): void {
    this.said = this.said === undefined ? alone(name, value) : new Map([...this.said, [name, value]]);
  }

  /** Packets of this session that were dropped, by `dropKey`. Bounded: stages, directions and reasons are few. */
  get drops(): ReadonlyMap<string, number> {
    return this.dropCounts ?? NO_DROPS;
  }

  countDrop(stage: string, direction: Direction, reason: DropReason): void {
    const key = dropKey(stage, direction, reason);
    this.dropCounts ??= new Map();
    this.dropCounts.set(key, (this.dropCounts.get(key) ?? 0) + 1);
  }

  /** In a process that takes over. */
  restoreDrops(drops: Iterable<readonly [key: string, count: number]>): void {
    const counts = new Map(drops);
    this.dropCounts = counts.size === 0 ? undefined : counts;
  }

  get<T>(slot: Slot<T>): T | undefined {
    return this.slots.get(slot);
  }

  set<T>(slot: Slot<T>, value: T | undefined): void {
    this.slots.set(slot, value);
  }
}
