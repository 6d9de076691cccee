import { printable } from '../../core/bytes/ascii.ts';
import type { Attributes, SpanFailure, TunnelRole } from '../../core/ports/telemetry.ts';
import { type Instant, instant } from '../../core/time.ts';
import type { JournalNote, JournalNumbers, JournalOutcome, JournalPhase, JournalRecord } from './record.ts';

const MOST_PHASES = 32;
/** So many notes are kept from the beginning, and as many of the newest; of messages the same. */
const EACH = 20;
/** The same of what comes once the tunnel is up: there may be many of those, for a long time. */
const EACH_UP = 4;
/** Of the set-up of a tunnel that is up: what may still explain something. */
const NOTES_THAT_STAY: ReadonlySet<string> = new Set(['gre.blocked', 'session.fault']);
const TEXT = 300;
const NO_FIELDS: Readonly<Record<string, string>> = {};

/** Attributes that a record shows, by the field they fill. */
const SHOWN: Readonly<Record<string, 'user' | 'method' | 'address' | 'identification'>> = {
  'user.name': 'user',
  'ppp.auth.protocol': 'method',
  'ppp.ipcp.address': 'address',
  'ppp.lcp.identification': 'identification',
  'pptp.peer.vendor': 'identification',
};

interface OpenPhase {
  readonly name: string;
  readonly startedAt: Instant;
  endedAt: Instant | undefined;
  failure: SpanFailure | undefined;
}

/** Phases that went well, in little room: most tunnels have the same names in the same order, and share them. */
interface DonePhases {
  readonly names: readonly string[];
  /** Beginning and end of each. */
  readonly times: readonly Instant[];
}

const MOST_ORDERS = 256;
const orders = new Map<string, readonly string[]>();

const donePhases = (phases: readonly OpenPhase[]): DonePhases => {
  const own = phases.map(({ name }) => name);
  const key = own.join(' ');
  const names = orders.get(key) ?? own;
  if (orders.size < MOST_ORDERS) orders.set(key, names);
  const times = phases.flatMap(({ startedAt, endedAt = startedAt }) => [startedAt, endedAt]);
  // A copy has no room to grow.
  return { names, times: times.slice() };
};

const phasesOf = (done: DonePhases | undefined): readonly JournalPhase[] =>
  (done?.names ?? []).map((name, at) => {
    const startedAt = done?.times[2 * at] ?? instant(0);
    return { name, startedAt, endedAt: done?.times[2 * at + 1] ?? startedAt, failure: undefined };
  });

/** The first and the newest of what may come without end. */
class Bounded {
  leftOut = 0;
  #most = EACH;
  /** Undefined: none. */
  #first: JournalNote[] | undefined;
  #newest: JournalNote[] | undefined;

  get all(): readonly JournalNote[] {
    return [...(this.#first ?? []), ...(this.#newest ?? [])];
  }

  push(note: JournalNote): void {
    this.#first ??= [];
    if (this.#first.length < this.#most) {
      this.#first.push(note);
      return;
    }
    this.#newest ??= [];
    this.#newest.push(note);
    if (this.#newest.length <= this.#most) return;
    this.#newest.shift();
    this.leftOut += 1;
  }

  /** Forgets all but these, and keeps fewer from now on. */
  shrink(stays: (note: JournalNote) => boolean): void {
    const { all } = this;
    this.#most = EACH_UP;
    const kept = all.filter(stays).slice(0, EACH_UP);
    this.#first = kept.length === 0 ? undefined : kept;
    this.#newest = undefined;
    this.leftOut += all.length - kept.length;
  }
}

/** A record while it is written. Everything in it is bounded: peers can make phases and notes without end. */
export class JournalEntry implements JournalRecord {
  id: string;
  kind: JournalRecord['kind'] = 'control';
  readonly role: TunnelRole;
  readonly traceId: string;
  readonly startedAt: Instant;
  upAt: Instant | undefined;
  endedAt: Instant | undefined;
  peer: string | undefined;
  user: string | undefined;
  method: string | undefined;
  address: string | undefined;
  encryption: string | undefined;
  identification: string | undefined;
  failure: SpanFailure | undefined;
  end: JournalRecord['end'];
  numbers: JournalNumbers | undefined;
  #phases: OpenPhase[] = [];
  #done: DonePhases | undefined;
  readonly #notes = new Bounded();
  readonly #messages = new Bounded();

  constructor(id: string, traceId: string, role: TunnelRole, startedAt: Instant) {
    this.id = id;
    this.traceId = traceId;
    this.role = role;
    this.startedAt = startedAt;
  }

  get outcome(): JournalOutcome {
    if (this.endedAt === undefined) return this.upAt === undefined ? 'setup' : 'up';
    return this.upAt === undefined ? 'failed' : 'closed';
  }

  get phases(): readonly JournalPhase[] {
    return [...phasesOf(this.#done), ...this.#phases].sort((a, b) => a.startedAt - b.startedAt);
  }

  get notes(): readonly JournalNote[] {
    return this.#notes.all;
  }

  get messages(): readonly JournalNote[] {
    return this.#messages.all;
  }

  get leftOut(): number {
    return this.#notes.leftOut + this.#messages.leftOut;
  }

  attributes(attributes: Attributes): void {
    for (const [name, value] of Object.entries(attributes)) {
      const field = SHOWN[name];
      if (field !== undefined && value !== '') this[field] = printable(String(value), TEXT);
    }
    const { 'network.peer.address': host, 'network.peer.port': port } = attributes;
    if (host !== undefined) this.peer ??= port === undefined ? String(host) : `${host}:${port}`;
  }

  /** Returns what ends the phase; nothing when there have been too many to remember. */
  phase(name: string, startedAt: Instant): (endedAt: Instant, failure: SpanFailure | undefined) => void {
    if (this.#phases.length >= MOST_PHASES) return () => undefined;
    const phase: OpenPhase = { name, startedAt, endedAt: undefined, failure: undefined };
    this.#phases.push(phase);
    return (endedAt, failure) => {
      if (phase.endedAt !== undefined) return;
      phase.endedAt = endedAt;
      phase.failure = failure;
    };
  }

  note(at: Instant, event: string, message: string, fields = NO_FIELDS): void {
    this.#notes.push({ at, event, message: printable(message, TEXT), fields });
  }

  /** A message of a protocol: kept apart, so that no peer pushes the notes out by talking. */
  message(at: Instant, event: string, message: string): void {
    this.#messages.push({ at, event, message: printable(message, TEXT), fields: NO_FIELDS });
  }

  /** The set-up went well. What was said in it is for set-ups that fail; the phases with their times stay. */
  up(at: Instant): void {
    if (this.upAt !== undefined) return;
    this.upAt = at;
    this.#notes.shrink(({ event }) => NOTES_THAT_STAY.has(event));
    this.#messages.shrink(() => false);
    const isDone = ({ endedAt, failure }: OpenPhase): boolean => endedAt !== undefined && failure === undefined;
    this.#done = donePhases(this.#phases.filter(isDone));
    this.#phases = this.#phases.filter((phase) => !isDone(phase));
  }

  /** Ends it; what is still open ends with it. */
  finish(at: Instant): void {
    this.endedAt ??= at;
    for (const phase of this.#phases) phase.endedAt ??= at;
  }
}
