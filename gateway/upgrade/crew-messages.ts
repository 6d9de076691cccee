import type { InheritedDevice } from '../../core/ports/handover.ts';
import type { ClockReading } from '../system-clock.ts';

/** What a worker has from the one of its index that a supervisor before had. */
export interface WorkerHeritage {
  /** Of the process before; what is set up on the host is recorded for it. */
  readonly pid: number;
  readonly tun: InheritedDevice;
  readonly gre: InheritedDevice;
  /** Of the worker before: each process has its own. */
  readonly clock: ClockReading;
  /** How often a worker of this index was started again. */
  readonly restarts: number;
}

/** Snapshots of a worker, which only who goes on with them reads. With a connection comes its socket. */
export type WorkerPiece =
  | { readonly kind: 'connection'; readonly connection: unknown }
  | { readonly kind: 'tunnels'; readonly tunnels: readonly unknown[] }
  /** Of a plug-in (`SentPart`). */
  | { readonly kind: 'part'; readonly part: unknown };

/** An address of another worker's slice that a tunnel has. */
export interface Borrowing {
  readonly address: number;
  /** The borrower's number for it. */
  readonly loan: number;
}

export interface MovedLoan extends Borrowing {
  readonly identity: string;
  readonly borrower: number;
}

/** What a worker has besides connections and tunnels. */
export interface WorkerRest {
  readonly callIds: unknown;
  readonly networks: readonly string[];
  readonly borrowed: readonly Borrowing[];
  /** Of its slice, addresses that others have. */
  readonly lent: readonly number[];
}

/** From a new supervisor to its worker that takes over. */
export type ToHeir =
  /** Comes with its socket. */
  | { readonly step: 'connection'; readonly connection: number; readonly snapshot: unknown }
  | { readonly step: 'tunnels'; readonly tunnels: readonly unknown[] }
  | { readonly step: 'part'; readonly part: unknown }
  | ({ readonly step: 'restore' } & WorkerRest)
  /** All others can go on, too: it serves from now on. */
  | { readonly step: 'resume' }
  /** The worker before is gone, and what only one process can have is free. */
  | { readonly step: 'alone' };

/** From such a worker. */
export type FromHeir =
  /** It has everything but tunnels. */
  | { readonly step: 'open' }
  | { readonly step: 'restored'; readonly tunnels: number; readonly failed: readonly string[] };

const fieldsOf = (value: unknown): ReadonlyMap<string, unknown> =>
  typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : new Map();
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');

/** Undefined: it is none. */
export const readFromHeir = (value: unknown): FromHeir | undefined => {
  const fields = fieldsOf(value);
  const [step, tunnels, failed] = [fields.get('step'), fields.get('tunnels'), fields.get('failed')];
  if (step === 'open') return { step };
  return step === 'restored' && isCount(tunnels) && isTexts(failed) ? { step, tunnels, failed } : undefined;
};

const isBorrowing = (value: unknown): value is Borrowing =>
  isCount(fieldsOf(value).get('address')) && isCount(fieldsOf(value).get('loan'));
const isLoan = (value: unknown): value is MovedLoan =>
  isBorrowing(value) && isCount(fieldsOf(value).get('borrower')) && typeof fieldsOf(value).get('identity') === 'string';
const isRest = (value: unknown): value is WorkerRest => {
  const fields = fieldsOf(value);
  const [networks, borrowed, lent] = [fields.get('networks'), fields.get('borrowed'), fields.get('lent')];
  return (
    isTexts(networks) &&
    Array.isArray(borrowed) &&
    borrowed.every(isBorrowing) &&
    Array.isArray(lent) &&
    lent.every(isCount)
  );
};

/** What came from another version for all workers; undefined: it is none, or for another number of workers. */
export const readCrewRest = (
  value: unknown,
  count: number,
): { readonly workers: readonly WorkerRest[]; readonly loans: readonly MovedLoan[] } | undefined => {
  const [workers, loans] = [fieldsOf(value).get('workers'), fieldsOf(value).get('loans')];
  if (!Array.isArray(workers) || workers.length !== count || !workers.every(isRest)) return undefined;
  return Array.isArray(loans) && loans.every(isLoan) ? { workers, loans } : undefined;
};

/** Undefined: it is none. */
export const readWorkerPiece = (value: unknown): WorkerPiece | undefined => {
  const fields = fieldsOf(value);
  const [kind, tunnels] = [fields.get('kind'), fields.get('tunnels')];
  if (kind === 'connection') return { kind, connection: fields.get('connection') };
  if (kind === 'part') return { kind, part: fields.get('part') };
  return kind === 'tunnels' && Array.isArray(tunnels) ? { kind, tunnels } : undefined;
};

/** A message to a worker that takes over, as far as its step: supervisor and worker are of the same build. */
export const isToHeir = (value: unknown): value is ToHeir => typeof fieldsOf(value).get('step') === 'string';

const isDevice = (value: unknown): value is InheritedDevice => {
  const fields = fieldsOf(value);
  return isCount(fields.get('fd')) && Number(fields.get('fd')) > 2 && typeof fields.get('about') === 'string';
};

export const isWorkerHeritage = (value: unknown): value is WorkerHeritage => {
  const fields = fieldsOf(value);
  const clock = fieldsOf(fields.get('clock'));
  return (
    isCount(fields.get('pid')) &&
    isCount(fields.get('restarts')) &&
    isDevice(fields.get('tun')) &&
    isDevice(fields.get('gre')) &&
    Number.isFinite(clock.get('now')) &&
    Number.isFinite(clock.get('host'))
  );
};
