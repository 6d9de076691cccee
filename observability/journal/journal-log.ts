import { type Log, LogByLevel, type LogFields, type LogLevel } from '../../core/ports/log.ts';
import type { Journal } from './journal.ts';

/** Fields of log lines that a note keeps: words from small sets and what the record shows. */
const KEPT = ['denial', 'policy', 'method', 'retriesLeft', 'notLogged', 'reason', 'setupFailure'] as const;

/** Reasons to close a connection on arrival that an operator can do something about. */
const LIMITS = /^(limit|rate)/;

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;

/**
 * Notes what is logged about a session, whatever the level that is written, and passes everything on. A line belongs to
 * a session by the field `session` of the log it is written to.
 */
export class JournalLog extends LogByLevel {
  readonly #inner: Log;
  readonly #journal: Journal;
  readonly #session: string | undefined;

  constructor(inner: Log, journal: Journal, session?: string) {
    super();
    this.#inner = inner;
    this.#journal = journal;
    this.#session = session;
  }

  child(fields: LogFields): Log {
    const session = textOf(fields['session']) ?? this.#session;
    if (session !== undefined) this.#peer(session, textOf(fields['peer']));
    return new JournalLog(this.#inner.child(fields), this.#journal, session);
  }

  #peer(session: string, peer: string | undefined): void {
    const entry = this.#journal.entry(session);
    if (entry !== undefined && peer !== undefined) entry.peer = peer;
  }

  protected override write(level: LogLevel, event: string, message: string, fields: LogFields | undefined): void {
    if (this.#session !== undefined) this.#note(this.#session, event, message, fields ?? {});
    if (event === 'control.connection-refused') this.#refused(message, fields ?? {});
    this.#inner[level](event, message, fields);
  }

  #refused(message: string, { peer, reason }: LogFields): void {
    if (typeof peer !== 'string' || typeof reason !== 'string' || !LIMITS.test(reason)) return;
    this.#journal.refused(peer.replace(/^::ffff:/i, ''), message);
  }

  #note(session: string, event: string, message: string, fields: LogFields): void {
    const entry = this.#journal.entry(session);
    if (entry === undefined) return;
    const kept: Record<string, string> = {};
    for (const name of KEPT) {
      const text = textOf(fields[name]);
      if (text !== undefined) kept[name] = text;
    }
    entry.note(this.#journal.now(), event, message, kept);
    entry.user = textOf(fields['user']) ?? entry.user;
    entry.method = textOf(fields['method']) ?? entry.method;
    if (event === 'session.up') {
      entry.address = textOf(fields['address']) ?? entry.address;
      entry.encryption = textOf(fields['encryption']) ?? entry.encryption;
      entry.identification = textOf(fields['identification']) ?? entry.identification;
    }
    if (event === 'session.closed') {
      this.#journal.ended(session, textOf(fields['reason']) ?? 'unknown', textOf(fields['detail']) ?? '');
    }
  }
}
