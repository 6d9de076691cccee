import type { Clock } from '../../core/ports/clock.ts';
import type { Instant } from '../../core/time.ts';
import type { JournalNote, JournalNumbers, JournalOutcome, JournalRecord } from '../../observability/journal/record.ts';
import { wallTime } from './wall-time.ts';

/** A remembered tunnel or failure in a line. */
export interface RecordSummary {
  readonly id: string;
  readonly kind: JournalRecord['kind'];
  readonly outcome: JournalOutcome;
  readonly peer: string | null;
  readonly user: string | null;
  readonly method: string | null;
  readonly address: string | null;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** From the beginning to the end, or to now. */
  readonly seconds: number;
  /** The stable word of why it is over, and the sentence with it. */
  readonly error: string | null;
  readonly detail: string | null;
  readonly traceId: string;
}

export interface RecordEntry {
  /** Since the beginning. */
  readonly seconds: number;
  readonly event: string;
  readonly message: string;
}

export interface RecordDetail extends RecordSummary {
  readonly role: JournalRecord['role'];
  readonly encryption: string | null;
  readonly identification: string | null;
  readonly phases: readonly {
    readonly name: string;
    /** Since the beginning. */
    readonly start: number;
    /** Null: it goes on. */
    readonly seconds: number | null;
    readonly error: string | null;
    readonly detail: string | null;
  }[];
  readonly numbers: JournalNumbers | null;
  /** What was noted and what the protocols said, in the order of time. */
  readonly timeline: readonly RecordEntry[];
  readonly leftOut: number;
}

const SECOND_MS = 1000;
const seconds = (milliseconds: number): number => Math.round(milliseconds) / SECOND_MS;

export const recordSummary = (record: JournalRecord, clock: Clock): RecordSummary => ({
  id: record.id,
  kind: record.kind,
  outcome: record.outcome,
  peer: record.peer ?? null,
  user: record.user ?? null,
  method: record.method ?? null,
  address: record.address ?? null,
  startedAt: wallTime(clock, record.startedAt),
  endedAt: record.endedAt === undefined ? null : wallTime(clock, record.endedAt),
  seconds: seconds((record.endedAt ?? clock.now()) - record.startedAt),
  error: record.failure?.error ?? record.end?.reason ?? null,
  detail: record.failure?.message ?? record.end?.detail ?? null,
  traceId: record.traceId,
});

export const recordDetail = (record: JournalRecord, clock: Clock): RecordDetail => {
  const since = (at: Instant): number => seconds(at - record.startedAt);
  const entry = ({ at, event, message }: JournalNote): RecordEntry => ({ seconds: since(at), event, message });
  return {
    ...recordSummary(record, clock),
    role: record.role,
    encryption: record.encryption ?? null,
    identification: record.identification ?? null,
    phases: record.phases.map(({ name, startedAt, endedAt, failure }) => ({
      name,
      start: since(startedAt),
      seconds: endedAt === undefined ? null : seconds(endedAt - startedAt),
      error: failure?.error ?? null,
      detail: failure?.message ?? null,
    })),
    numbers: record.numbers ?? null,
    timeline: [...record.notes, ...record.messages].toSorted((a, b) => a.at - b.at).map(entry),
    leftOut: record.leftOut,
  };
};
