import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { SessionView } from '../../core/datapath/session.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import type {
  SaEvent,
  SaLimits,
  SaStatus,
  SecurityAssociation,
  SecurityAssociations,
} from '../../core/ports/security-associations.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import { after, type Instant } from '../../core/time.ts';
import { LEAST_SPI } from '../../core/wire/esp.ts';
import { Association } from './association.ts';
import type { CountedIvs } from './counted-ivs.ts';
import { definitionOf, type TableState } from './table-state.ts';
import { createTransform, type WriteIv } from './transforms.ts';

const MOST = 65_536;
const MOST_WINDOW = 4096;
const SECOND_MS = 1000;

/** What one session has. */
export interface SessionAssociations {
  readonly address: Ipv4;
  readonly inbound: ReadonlyMap<number, Association>;
  /** The newest first. */
  readonly outbound: readonly Association[];
  /** Whose ESP is ours to open. */
  readonly hosts: ReadonlySet<number>;
  /** Who may speak IKE with the peer. */
  readonly ends: ReadonlySet<number>;
  readonly all: readonly Association[];
}

/** Whether anything of the session is for traffic between these addresses, usable or not. */
export const isProtected = (own: SessionAssociations, local: Ipv4, peer: Ipv4): boolean => {
  for (const one of own.all) if (one.covers(local, peer, own.address)) return true;
  return false;
};

export interface TableDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly telemetry: Telemetry;
  readonly ivs: { readonly counted: CountedIvs; readonly random: WriteIv };
}

/** True as long as the session is of this user and has this address. */
interface Found {
  readonly identity: string | undefined;
  readonly address: Ipv4 | undefined;
  readonly own: SessionAssociations | undefined;
}

/** When its lifetime is over; undefined: never. */
interface Deadlines {
  readonly softAt: Instant | undefined;
  readonly hardAt: Instant | undefined;
}

interface Entry extends Deadlines {
  readonly association: Association;
  cancel(): void;
}

const keyOf = (direction: 'in' | 'out', name: string): string => `${direction} ${name}`;

/** All associations of this process, found by name and by owner. */
export class AssociationTable implements SecurityAssociations {
  private readonly deps: TableDeps;
  private readonly entries = new Map<string, Entry>();
  private readonly byIdentity = new Map<string, Set<Association>>();
  private readonly byAddress = new Map<Ipv4, Set<Association>>();
  private readonly listeners = new Set<(event: SaEvent) => void>();
  /** What was looked up; all of it goes when anything changes. */
  private readonly found = new Map<SessionView, Found>();

  constructor(deps: TableDeps) {
    this.deps = deps;
  }

  add(association: SecurityAssociation): string | undefined {
    return this.put(association, undefined);
  }

  replace(name: string, association: SecurityAssociation): string | undefined {
    const before = this.entries.get(keyOf(association.direction, name));
    if (before === undefined) return `there is no association ${name} (${association.direction})`;
    return this.put(association, before);
  }

  remove(name: string, direction: 'in' | 'out'): boolean {
    const entry = this.entries.get(keyOf(direction, name));
    if (entry !== undefined) this.take(entry);
    return entry !== undefined;
  }

  /** With keys: for the process that goes on with them, and for nobody else. */
  snapshot(): TableState {
    const associations = [...this.entries.values()].map(({ association, softAt, hardAt }) => ({
      ...association.snapshot(),
      softAt,
      hardAt,
    }));
    return { version: 1, ivs: this.deps.ivs.counted.snapshot(), associations };
  }

  /** Throws where one of them cannot be had. */
  restore({ ivs, associations }: TableState): void {
    this.deps.ivs.counted.restore(ivs);
    for (const state of associations) {
      const refusal = this.put(definitionOf(state), undefined, state);
      if (refusal !== undefined) throw new Error(`the association ${state.name} (${state.direction}): ${refusal}`);
      this.entries.get(keyOf(state.direction, state.name))?.association.restore(state);
    }
  }

  /** Another process may have used them for a moment, and is no more; `now` in ms since 1970. */
  passOver(now: number): void {
    this.deps.ivs.counted.passOver(now);
  }

  list(): readonly SaStatus[] {
    return [...this.entries.values()].map(({ association }) => association.status());
  }

  subscribe(listener: (event: SaEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** What a session has; undefined when it is nothing. */
  of(session: SessionView): SessionAssociations | undefined {
    if (this.entries.size === 0) return undefined;
    const { identity, address } = session;
    const before = this.found.get(session);
    if (before !== undefined && before.identity === identity && before.address === address) return before.own;
    const own = this.lookUp(session);
    this.found.set(session, { identity, address, own });
    return own;
  }

  /** The session is over. */
  forget(session: SessionView): void {
    this.found.delete(session);
  }

  /** Ends all timers. */
  close(): void {
    for (const { cancel } of this.entries.values()) cancel();
  }

  private put(
    from: SecurityAssociation,
    before: Entry | undefined,
    deadlines: Deadlines = this.deadlinesOf(from),
  ): string | undefined {
    const wrong = this.whatIsWrong(from, before?.association);
    if (wrong !== undefined) return wrong;
    const { counted, random } = this.deps.ivs;
    const transform = createTransform(from.algorithm, { counted: counted.write, random });
    if (typeof transform === 'string') return transform;
    if (before !== undefined) this.take(before);
    const association = new Association(from, transform, (event) => this.happened(event));
    const timers = [
      this.schedule(deadlines.softAt, () => association.soft()),
      this.schedule(deadlines.hardAt, () => association.end('hard')),
    ];
    this.entries.set(keyOf(from.direction, from.name), {
      association,
      softAt: deadlines.softAt,
      hardAt: deadlines.hardAt,
      cancel: () => {
        for (const cancel of timers) cancel();
      },
    });
    const { identity, address } = from.owner;
    if (address !== undefined) index(this.byAddress, address, association);
    else if (identity !== undefined) index(this.byIdentity, identity, association);
    this.found.clear();
    return undefined;
  }

  private take(entry: Entry): void {
    const { association } = entry;
    const { identity, address } = association.owner;
    entry.cancel();
    this.entries.delete(keyOf(association.direction, association.name));
    if (address !== undefined) unindex(this.byAddress, address, association);
    else if (identity !== undefined) unindex(this.byIdentity, identity, association);
    this.found.clear();
  }

  private whatIsWrong(from: SecurityAssociation, before: Association | undefined): string | undefined {
    const { spi, owner, esn, replayWindow: window = 64, direction } = from;
    if (!Number.isInteger(spi) || spi < LEAST_SPI || spi > 0xffffffff) return 'its SPI must be 256 to 4294967295';
    if (owner.identity === undefined && owner.address === undefined) return 'it must belong to a user or an address';
    const there = this.entries.get(keyOf(direction, from.name));
    if (there !== undefined && there.association !== before) return 'its name is taken';
    if (there === undefined && before === undefined && this.entries.size >= MOST) return `there are ${MOST} already`;
    if (!Number.isInteger(window) || window < 0 || window > MOST_WINDOW || window % 32 !== 0) {
      return `its replay window must be a multiple of 32, at most ${MOST_WINDOW}`;
    }
    if (!Number.isSafeInteger(from.sequence ?? 0) || (from.sequence ?? 0) < 0)
      return 'its sequence must be a whole number';
    if (esn && window === 0 && direction === 'in') return 'extended sequence numbers need a replay window';
    const owned = [...this.owned(owner.identity, owner.address)];
    const twin = owned.some((one) => one !== before && one.direction === direction && one.spi === spi);
    return twin ? 'its owner has this SPI already' : undefined;
  }

  private *owned(identity: string | undefined, address: Ipv4 | undefined): Generator<Association> {
    if (identity !== undefined) yield* this.byIdentity.get(identity) ?? [];
    if (address !== undefined) yield* this.byAddress.get(address) ?? [];
  }

  private lookUp(session: SessionView): SessionAssociations | undefined {
    const { identity, address } = session;
    if (address === undefined) return undefined;
    const all = [...this.owned(identity, address)].filter(
      ({ owner }) => owner.identity === undefined || owner.identity === identity,
    );
    if (all.length === 0) return undefined;
    const inbound = all.filter(({ direction }) => direction === 'in');
    return {
      address,
      inbound: new Map(inbound.map((one) => [one.spi, one])),
      outbound: all.filter(({ direction }) => direction === 'out').toReversed(),
      hosts: new Set(inbound.map(({ host }) => host)),
      ends: new Set(all.map(({ host }) => host)),
      all,
    };
  }

  private deadlinesOf({ lifetime }: SecurityAssociation): Deadlines {
    const now = this.deps.clock.now();
    const due = (limits: SaLimits | undefined): Instant | undefined =>
      limits?.seconds === undefined ? undefined : after(now, limits.seconds * SECOND_MS);
    return { softAt: due(lifetime?.soft), hardAt: due(lifetime?.hard) };
  }

  private schedule(due: Instant | undefined, task: () => void): () => void {
    if (due === undefined) return () => undefined;
    const { clock } = this.deps;
    let cancel = (): void => undefined;
    // A clock may fire early where the deadline is weeks away.
    const arm = (): void => {
      cancel = clock.schedule(due, () => (clock.now() < due ? arm() : task()));
    };
    arm();
    return () => cancel();
  }

  private happened(event: SaEvent): void {
    const { log, telemetry } = this.deps;
    const { name, direction, spi, kind } = event;
    telemetry.event(`ipsec.sa-${kind}`);
    if (kind !== 'soft') {
      const why = kind === 'hard' ? 'has reached its lifetime' : 'has used all its sequence numbers';
      const text = `The security association ${name} ${why}; its packets are dropped until there is a new one.`;
      log.warn('ipsec.sa-over', text, { association: name, direction, spi, cause: kind });
    }
    // Never from inside a batch: a listener may change the table.
    queueMicrotask(() => {
      for (const listener of [...this.listeners]) {
        try {
          listener(event);
        } catch (error) {
          log.error('ipsec.listener-fault', 'A listener for security associations threw.', { error });
        }
      }
    });
  }
}

const index = <K>(map: Map<K, Set<Association>>, key: K, association: Association): void => {
  const set = map.get(key);
  if (set === undefined) map.set(key, new Set([association]));
  else set.add(association);
};

const unindex = <K>(map: Map<K, Set<Association>>, key: K, association: Association): void => {
  const set = map.get(key);
  set?.delete(association);
  if (set?.size === 0) map.delete(key);
};
