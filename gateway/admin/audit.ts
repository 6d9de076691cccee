import type { AuditEntry } from './api/operations.ts';

export interface AuditQuery {
  /** At most so many, the newest. */
  readonly limit: number;
  /** Of this action only. */
  readonly action?: string;
}

/** Every change, and every refused attempt to make one, in the order of time. */
export interface AuditLog {
  /** Written before the answer leaves; a line that cannot be written is logged and counted, and stops nothing. */
  note(entry: Omit<AuditEntry, 'at'>): Promise<void>;
  /** Newest first. */
  read(query: AuditQuery): Promise<readonly AuditEntry[]>;
}
