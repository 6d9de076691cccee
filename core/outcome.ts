/**
 * Why a packet was dropped. The set is closed: it is at once the return value of a stage, the metric label and the
 * row of the table in docs/drop-reasons.md (a test compares the two). Append only; the index is stored in batches.
 */
export const DROP_REASONS = [
  'truncated',
  'malformed',
  'unsupported',
  'unknown-call',
  'wrong-peer',
  'duplicate',
  'late',
  'reorder-overflow',
  'wrong-phase',
  'unencrypted',
  'decrypt-failed',
  'spoofed-source',
  'no-route',
  'policy',
  'too-big',
  'queue-full',
  'device-refused',
  'stage-fault',
  'rate-limited',
  'no-sa',
  'dummy',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

export type Direction = 'in' | 'out';
