import type { Direction, DropReason } from '../../core/outcome.ts';
import type {
  Attributes,
  LaterSpan,
  Measure,
  PhaseSpan,
  SetupPhase,
  SetupStep,
  SpanFailure,
  SpanReference,
  Telemetry,
  TunnelRole,
  TunnelTrace,
} from '../../core/ports/telemetry.ts';
import type { Instant } from '../../core/time.ts';
import type { JournalEntry } from './entry.ts';
import type { Journal } from './journal.ts';

/** Writes what is reported about tunnels into the journal, and passes everything on. */
export class JournalTelemetry implements Telemetry {
  readonly #inner: Telemetry;
  readonly #journal: Journal;

  constructor(inner: Telemetry, journal: Journal) {
    this.#inner = inner;
    this.#journal = journal;
  }

  packets(stage: string, direction: Direction, count: number, octets?: number): void {
    this.#inner.packets(stage, direction, count, octets);
  }

  dropped(stage: string, direction: Direction, reason: DropReason, count: number): void {
    // The one reason that belongs to no session and still says why a session does not come up.
    if (reason === 'wrong-peer') this.#journal.wrongPeer();
    this.#inner.dropped(stage, direction, reason, count);
  }

  fault(stage: string, direction: Direction, cause: unknown): void {
    this.#inner.fault(stage, direction, cause);
  }

  event(name: string, attributes?: Attributes): void {
    this.#inner.event(name, attributes);
  }

  measure(name: Measure, seconds: number, attributes: Readonly<Record<string, string>>): void {
    this.#inner.measure(name, seconds, attributes);
  }

  resumed(root: SpanReference, attributes: Attributes, since: Instant, upAt: Instant): TunnelTrace {
    const trace = this.#inner.resumed?.(root, attributes, since, upAt) ?? this.#inner.tunnel(attributes, since);
    const entry = this.#journal.begin(trace.traceId, attributes, since, 'server');
    entry.up(upAt);
    return new JournalTrace(trace, entry, this.#journal);
  }

  tunnel(attributes: Attributes, since?: Instant, role?: TunnelRole): TunnelTrace {
    const trace = this.#inner.tunnel(attributes, since, role);
    const entry = this.#journal.begin(trace.traceId, attributes, since ?? this.#journal.now(), role ?? 'server');
    return new JournalTrace(trace, entry, this.#journal);
  }
}

class JournalTrace implements TunnelTrace {
  readonly traceId: string;
  readonly #inner: TunnelTrace;
  readonly #entry: JournalEntry;
  readonly #journal: Journal;

  constructor(inner: TunnelTrace, entry: JournalEntry, journal: Journal) {
    this.traceId = inner.traceId;
    this.#inner = inner;
    this.#entry = entry;
    this.#journal = journal;
  }

  get root(): SpanReference {
    return this.#inner.root;
  }

  phase(name: SetupPhase, attributes?: Attributes, since?: Instant): PhaseSpan {
    const ended = this.#entry.phase(name, since ?? this.#journal.now());
    return new JournalSpan(this.#inner.phase(name, attributes, since), this.#entry, this.#journal, ended);
  }

  attributes(attributes: Attributes): void {
    this.#journal.attributes(this.#entry, attributes);
    this.#inner.attributes(attributes);
  }

  event(name: string, attributes?: Attributes, at?: Instant): void {
    // A note of the machines: the log has said it, and the journal has it from there.
    if (attributes?.['pptp.note'] === undefined) {
      this.#entry.message(at ?? this.#journal.now(), name, spoken(attributes));
    }
    this.#inner.event(name, attributes, at);
  }

  end(failure?: SpanFailure): void {
    this.#journal.setupEnded(this.#entry, failure);
    this.#inner.end(failure);
  }

  later(name: LaterSpan, attributes?: Attributes, since?: Instant): PhaseSpan {
    const at = since ?? this.#journal.now();
    this.#entry.note(at, `later.${name}`, describe(attributes), texts(attributes));
    return this.#inner.later(name, attributes, since);
  }
}

type PhaseEnd = (endedAt: Instant, failure: SpanFailure | undefined) => void;

class JournalSpan implements PhaseSpan {
  readonly #inner: PhaseSpan;
  readonly #entry: JournalEntry;
  readonly #journal: Journal;
  readonly #ended: PhaseEnd;
  /** Of the steps, which are noted when they end, with all that became known of them. */
  #attributes: Attributes;
  readonly #step: string | undefined;

  constructor(
    inner: PhaseSpan,
    entry: JournalEntry,
    journal: Journal,
    ended: PhaseEnd,
    step?: { readonly name: string; readonly attributes: Attributes },
  ) {
    this.#inner = inner;
    this.#entry = entry;
    this.#journal = journal;
    this.#ended = ended;
    this.#step = step?.name;
    this.#attributes = step?.attributes ?? {};
  }

  attributes(attributes: Attributes): void {
    if (this.#step !== undefined) this.#attributes = { ...this.#attributes, ...attributes };
    this.#inner.attributes(attributes);
  }

  event(name: string, attributes?: Attributes, at?: Instant): void {
    this.#entry.message(at ?? this.#journal.now(), name, spoken(attributes));
    this.#inner.event(name, attributes, at);
  }

  step(name: SetupStep | SetupPhase, attributes: Attributes = {}, since?: Instant): PhaseSpan {
    const step = this.#inner.step(name, attributes, since);
    return new JournalSpan(step, this.#entry, this.#journal, () => undefined, { name, attributes });
  }

  end(failure?: SpanFailure): void {
    const now = this.#journal.now();
    this.#ended(now, failure);
    if (this.#step !== undefined) {
      const outcome = failure === undefined ? 'done' : `${failure.error}: ${failure.message}`;
      const fields = texts(this.#attributes);
      this.#entry.note(
        now,
        this.#step,
        `${describe(this.#attributes)} ${outcome}`.trim(),
        failure === undefined ? fields : { ...fields, error: failure.error },
      );
    }
    this.#inner.end(failure);
  }
}

const describe = (attributes: Attributes = {}): string =>
  Object.entries(attributes)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

/** A message of a protocol: where it went, and what it says. */
const spoken = (attributes: Attributes = {}): string => {
  const { 'network.io.direction': direction, 'ppp.packet.identifier': _identifier, ...others } = attributes;
  const { 'ppp.packet.detail': detail, 'pptp.result': result, ...rest } = others;
  const way = direction === 'receive' ? 'from the peer' : 'to the peer';
  return [direction === undefined ? '' : way, detail ?? '', result ?? '', describe(rest)]
    .filter((part) => part !== '')
    .join(': ');
};

const texts = (attributes: Attributes = {}): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, String(value)]));
