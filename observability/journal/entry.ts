import { printable } from '../../core/bytes/ascii.ts';
import type { Attributes, SpanFailure, TunnelRole } from '../../core/ports/telemetry.ts';
import type { Instant } from '../../core/time.ts';
import type { JournalNote, JournalNumbers, JournalOutcome, JournalPhase, JournalRecord } from './record.ts';

const MOST_PHASES = 32;
/** So many notes are kept from the beginning, and as many of the newest; of messages the same. */
const EACH = 20;
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

/** The first and the newest of what may come without end. */
class Bounded {
  leftOut = 0;
  readonly #first: JournalNote[] = [];
  readonly #newest: JournalNote[] = [];

  get all(): readonly JournalNote[] {
    return [...this.#first, ...this.#newest];
  }

  push(note: JournalNote): void {
    if (this.#first.length < EACH) {
      this.#first.push(note);
      return;
    }
    this.#newest.push(note);
    if (this.#newest.length <= EACH) return;
    this.#newest.shift();
    this.leftOut += 1;
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
  readonly #phases: OpenPhase[] = [];
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
    return this.#phases;
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

  /** Ends it; what is still open ends with it. */
  finish(at: Instant): void {
    this.endedAt ??= at;
    for (const phase of this.#phases) phase.endedAt ??= at;
  }
}
