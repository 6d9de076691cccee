import type { Attributes, SpanFailure, TunnelRole } from '../../core/ports/telemetry.ts';
import type { Instant } from '../../core/time.ts';
import { JournalEntry } from './entry.ts';
import type { JournalNumbers, JournalRecord } from './record.ts';

/** How many records are kept of what is over. Failures have a place of their own, so that good calls do not push them out. */
export const JOURNAL_KEEPS = { failed: 200, closed: 200, control: 100 } as const;
/** Of failures, from one address: whoever fails all the time does not push out those of the others. */
export const JOURNAL_KEEPS_PER_PEER = 50;
type Shelf = keyof typeof JOURNAL_KEEPS;
/** A tunnel whose end nobody told of must not stay for ever. */
const MOST_LIVE = 100_000;

/**
 * The memory of the process: every tunnel there is, and the last that were. `explain` reads it; nothing of it outlives the
 * process. User names are in it as they are: it leaves the process only by the admin socket.
 */
export class Journal {
  readonly now: () => Instant;
  /** Live and kept, oldest first. */
  readonly #byId = new Map<string, JournalEntry>();
  readonly #live = new Set<JournalEntry>();
  readonly #shelves: Record<Shelf, JournalEntry[]> = { failed: [], closed: [], control: [] };
  #controls = 0;
  readonly #controlName: string;
  #wrongPeerAt: Instant | undefined;

  /** Control connections are `control-1` and so on; several journals that are read as one need different names. */
  constructor(now: () => Instant, controlName = 'control') {
    this.now = now;
    this.#controlName = controlName;
  }

  begin(traceId: string, attributes: Attributes, startedAt: Instant, role: TunnelRole): JournalEntry {
    this.#controls += 1;
    const entry = new JournalEntry(`${this.#controlName}-${this.#controls}`, traceId, role, startedAt);
    this.#byId.set(entry.id, entry);
    this.#live.add(entry);
    this.attributes(entry, attributes);
    if (this.#live.size > MOST_LIVE) {
      for (const oldest of this.#live) {
        this.finish(oldest);
        break;
      }
    }
    return entry;
  }

  /** From its session id on it is a tunnel. */
  attributes(entry: JournalEntry, attributes: Attributes): void {
    entry.attributes(attributes);
    const id = attributes['session.id'];
    if (id === undefined || id === entry.id) return;
    this.#byId.delete(entry.id);
    entry.id = String(id);
    entry.kind = 'tunnel';
    this.#byId.set(entry.id, entry);
  }

  /** The set-up is over. A control connection that failed is over with it; a tunnel still has its call to end. */
  setupEnded(entry: JournalEntry, failure: SpanFailure | undefined): void {
    if (failure === undefined) {
      if (entry.kind === 'tunnel') entry.up(this.now());
      else this.finish(entry);
      return;
    }
    entry.failure ??= failure;
    if (entry.kind === 'control') this.finish(entry);
  }

  /** The call of a tunnel ended. */
  ended(id: string, reason: string, detail: string): void {
    const entry = this.#byId.get(id);
    if (entry === undefined) return;
    entry.end ??= { reason, detail };
    this.finish(entry);
  }

  numbers(id: string, numbers: JournalNumbers): void {
    const entry = this.#byId.get(id);
    if (entry !== undefined) entry.numbers = numbers;
  }

  /** Undefined: not known, or forgotten. */
  entry(id: string): JournalEntry | undefined {
    return this.#byId.get(id);
  }

  /** A connection was closed on arrival, before there was anything to trace. */
  refused(peer: string, message: string): void {
    const entry = this.begin('', { 'network.peer.address': peer }, this.now(), 'server');
    this.setupEnded(entry, { error: 'connection-refused', message });
  }

  /** A GRE packet of a call came from another address than the call's peer. */
  wrongPeer(): void {
    this.#wrongPeerAt = this.now();
  }

  /** Whether such a packet came while this was there. */
  sawWrongPeer(record: JournalRecord): boolean {
    const at = this.#wrongPeerAt;
    return at !== undefined && at >= record.startedAt && (record.endedAt === undefined || at <= record.endedAt);
  }

  /** Tunnels that were there at the same time as this one, with the same outer address of the client. */
  besides(record: JournalRecord): readonly JournalRecord[] {
    const host = hostOf(record.peer);
    if (host === undefined) return [];
    return [...this.#byId.values()].filter(
      (other) => other !== record && other.kind === 'tunnel' && hostOf(other.peer) === host && overlap(other, record),
    );
  }

  /** Tunnels from that outer address (a port behind it does not matter) that were there between two instants. */
  countFrom(peer: string, from: number, to: number | undefined): number {
    const host = hostOf(peer);
    return [...this.#byId.values()].filter(
      (entry) =>
        entry.kind === 'tunnel' &&
        hostOf(entry.peer) === host &&
        entry.startedAt <= (to ?? Number.POSITIVE_INFINITY) &&
        (entry.endedAt ?? Number.POSITIVE_INFINITY) >= from,
    ).length;
  }

  /**
   * Newest first. Of control connections without a call all only when `control` is wanted; else those that
   * the gateway refused: they may be what somebody waits for.
   */
  failures(control = true): readonly JournalRecord[] {
    const { failed, control: connections } = this.#shelves;
    const all = [...failed, ...connections.filter(({ failure }) => control || REFUSED.has(failure?.error))];
    return all.reverse().sort((a, b) => (b.endedAt ?? 0) - (a.endedAt ?? 0));
  }

  /**
   * `last-failure`, the id of a tunnel or its beginning, a trace id, or what belongs to a tunnel: user, inner address,
   * outer address with or without its port. Of several the newest, one that is there before one that is over.
   */
  find(which: string): JournalRecord | undefined {
    if (which === 'last-failure') return this.failures(false)[0] ?? this.failures()[0];
    const exact = this.#byId.get(which);
    if (exact !== undefined) return exact;
    const matches = [...this.#byId.values()].filter((entry) => belongs(entry, which)).reverse();
    return matches.find((entry) => entry.endedAt === undefined) ?? matches[0];
  }

  /** Of those that are there, for tests. */
  get liveCount(): number {
    return this.#live.size;
  }

  private finish(entry: JournalEntry): void {
    if (!this.#live.delete(entry)) return;
    entry.finish(this.now());
    const shelf = shelfOf(entry);
    const kept = this.#shelves[shelf];
    kept.push(entry);
    const ofPeer = shelf === 'closed' ? [] : kept.filter(({ peer }) => hostOf(peer) === hostOf(entry.peer));
    const tooMany = ofPeer.length > JOURNAL_KEEPS_PER_PEER ? ofPeer : kept.length > JOURNAL_KEEPS[shelf] ? kept : [];
    const [oldest] = tooMany;
    if (oldest === undefined) return;
    kept.splice(kept.indexOf(oldest), 1);
    this.#byId.delete(oldest.id);
  }
}

const REFUSED: ReadonlySet<string | undefined> = new Set(['call-refused', 'connection-refused']);

const shelfOf = (entry: JournalEntry): Shelf => {
  if (entry.kind === 'control') return 'control';
  return entry.outcome === 'failed' ? 'failed' : 'closed';
};

const hostOf = (peer: string | undefined): string | undefined => peer?.split(':')[0];

const overlap = (a: JournalRecord, b: JournalRecord): boolean =>
  (a.endedAt ?? Number.POSITIVE_INFINITY) >= b.startedAt && (b.endedAt ?? Number.POSITIVE_INFINITY) >= a.startedAt;

const LEAST_PREFIX = 4;

const belongs = (entry: JournalEntry, which: string): boolean =>
  entry.user === which ||
  (which !== '' && entry.traceId === which) ||
  entry.address === which ||
  entry.peer === which ||
  hostOf(entry.peer) === which ||
  (which.length >= LEAST_PREFIX && entry.kind === 'tunnel' && entry.id.startsWith(which));
