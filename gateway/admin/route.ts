import type { FastifyInstance } from 'fastify';
import type { GatewayConfig } from '../../config/types.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Journal } from '../../observability/journal/journal.ts';
import type { LogLevels } from '../../observability/log-levels.ts';
import type { Gateway } from '../bootstrap.ts';
import type { Life } from '../life/life.ts';
import type { AuditEntry } from './api/operations.ts';
import type { Role } from './api/roles.ts';
import type { AuditLog } from './audit.ts';
import type { LiveCounts } from './live/stats-keeper.ts';

export type AuditTarget = AuditEntry['target'];

/** What the routes of the admin channel may use. A route that needs more is made by a function that is given it. */
export interface AdminDeps {
  readonly version: string;
  readonly config: GatewayConfig;
  readonly gateway: Gateway;
  readonly life: Life;
  readonly clock: Clock;
  readonly log: Log;
  readonly levels: LogLevels;
  readonly journal: Journal;
  /** What the process counts. */
  readonly counts: LiveCounts;
  /** Changes are noted by the app; a route only reads it. */
  readonly audit: AuditLog;
}

/** Puts routes on the app. Paths begin with /v1/, inputs have a JSON schema, refusals are an `AdminError`. */
export type AdminRoute = (app: FastifyInstance, deps: AdminDeps) => void;

/** The body of every answer with a status from 400 on. */
export interface AdminErrorBody {
  /** A stable word: INVALID_REQUEST, NOT_FOUND, INTERNAL, or what a route documents. */
  readonly code: string;
  /** A sentence that says what to do. */
  readonly message: string;
  /** Each mistake, where there may be several: `body/level`, or the key of a configuration. */
  readonly errors?: readonly AdminMistake[];
}

export interface AdminMistake {
  readonly path: string;
  readonly message: string;
}

export interface AdminErrorParts {
  readonly headers?: Readonly<Record<string, string>>;
  readonly errors?: readonly AdminMistake[];
}

/** A refusal: becomes an answer with this status and an `AdminErrorBody`. */
export class AdminError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly errors: readonly AdminMistake[] | undefined;
  override readonly name = 'AdminError';

  constructor(status: number, code: string, message: string, { headers = {}, errors }: AdminErrorParts = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.errors = errors;
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks, for the log: what the command line says of itself. Printable and short; proves nothing. */
    actor: string;
    /** What the caller may do; null where the route asks nobody. */
    role: Role | null;
    /** "socket", or the address of the caller. */
    from: string;
    /** What it was refused with. */
    refusal: AdminErrorBody | null;
    /** What a route wants the audit to keep besides the names of the request; never a secret. */
    audited: AuditTarget | null;
  }
}
