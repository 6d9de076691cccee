import type { FastifyInstance } from 'fastify';
import type { GatewayConfig } from '../../config/types.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Journal } from '../../observability/journal/journal.ts';
import type { LogLevels } from '../../observability/log-levels.ts';
import type { Gateway } from '../bootstrap.ts';
import type { AuditLog } from './audit.ts';

/** What the routes of the admin channel may use. A route that needs more is made by a function that is given it. */
export interface AdminDeps {
  readonly version: string;
  readonly config: GatewayConfig;
  readonly gateway: Gateway;
  readonly clock: Clock;
  readonly log: Log;
  readonly levels: LogLevels;
  readonly journal: Journal;
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
}

/** A refusal: becomes an answer with this status and an `AdminErrorBody`. */
export class AdminError extends Error {
  readonly status: number;
  readonly code: string;
  override readonly name = 'AdminError';

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks, for the log: what the command line says of itself. Printable and short; proves nothing. */
    actor: string;
  }
}
