import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GatewayConfig } from '../../../config/types.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { LogLevels } from '../../../observability/log-levels.ts';
import type { AuditLog } from '../../admin/audit.ts';
import { MISSING_HEADER } from '../../admin/headers.ts';
import type { LiveCounts } from '../../admin/live/stats-keeper.ts';
import { AdminError } from '../../admin/route.ts';
import type { Upgradable } from '../../admin/routes/upgrade.ts';
import { fromSpec, type RouteSpec } from '../../admin/spec.ts';
import type { Life } from '../../life/life.ts';
import type { WorkerRequest } from './ask-worker.ts';
import type { Crew, CrewReplies, WorkerReply } from './crew.ts';

/** What the routes of the supervisor may use. */
export interface ViewDeps {
  readonly version: string;
  readonly config: GatewayConfig;
  readonly crew: Crew;
  readonly life: Life;
  readonly clock: Clock;
  readonly log: Log;
  readonly levels: LogLevels;
  /** Of the whole gateway: workers keep none. */
  readonly audit: AuditLog;
  /** Who hands this gateway over when somebody asks for it; undefined: nobody can. */
  readonly upgrade?: Upgradable;
  /** What the supervisor counts itself. */
  readonly counts: LiveCounts;
  /** Somebody collects traces. */
  readonly traces: boolean;
}

/** Answers one or more routes of the admin API for all workers together. */
export type ViewRoute = (app: FastifyInstance, deps: ViewDeps) => void;

/** One worker's part of an answer. */
export interface Part<T> {
  readonly worker: number;
  readonly body: T;
}

const METHODS = ['GET', 'PUT', 'POST', 'PATCH', 'DELETE'] as const;

/** What came from the operator, to be passed on to workers. */
export const passOn = ({ method, url, body, actor }: FastifyRequest): WorkerRequest => ({
  method: METHODS.find((one) => one === method) ?? 'GET',
  path: url,
  actor,
  ...(body === undefined || body === null ? {} : { body }),
});

const fieldOf = (body: unknown, name: string): unknown =>
  typeof body === 'object' && body !== null ? Object.entries(body).find(([key]) => key === name)?.[1] : undefined;

export const isGood = ({ status }: WorkerReply): boolean => status < 400;
export const codeOf = ({ body }: WorkerReply): string => String(fieldOf(body, 'code') ?? 'INTERNAL');

/** What workers of the same version send is taken at its word. */
export const partOf = <T>({ worker, body }: WorkerReply): Part<T> => ({ worker, body: body as T });

const workersInWords = (indexes: readonly number[]): string =>
  `${indexes.length === 1 ? 'worker' : 'workers'} ${indexes.join(' and ')}`;

/** Why no worker has answered as it should: what a worker says itself, or that none is there. */
export const refusalOf = ({ replies, missing }: CrewReplies): AdminError => {
  const refused = replies.filter((reply) => !isGood(reply));
  // That it does not know what was asked for is less than any other reason.
  const refusal = refused.find(({ status }) => status !== 404) ?? refused[0];
  if (refusal === undefined) {
    return new AdminError(503, 'NO_WORKER', 'No worker of the gateway answers: its log says why.');
  }
  const silent = missing.length === 0 ? '' : ` Of ${workersInWords(missing)} there was no answer.`;
  const message = String(fieldOf(refusal.body, 'message') ?? 'A worker refused without saying why.');
  // The session may be one of those that did not answer: who is told that it is over would believe it.
  if (codeOf(refusal) === 'NO_SESSION' && missing.length > 0) return new AdminError(503, 'NO_WORKER', message + silent);
  return new AdminError(refusal.status, codeOf(refusal), message + silent);
};

/** Says in the answer whose part it lacks. */
export const withMissing = <T extends object>(
  reply: FastifyReply,
  answer: T,
  missing: readonly number[],
): T & { readonly missing?: readonly number[] } => {
  if (missing.length === 0) return answer;
  void reply.header(MISSING_HEADER, missing.join(', '));
  return { ...answer, missing };
};

/** How the answers of workers, at least one, become one. May ask further. */
export type Merge<T> = (parts: readonly Part<T>[], deps: ViewDeps, request: FastifyRequest) => object | Promise<object>;

/**
 * A route that every worker is asked, and whose answers are merged. Refused only when all refuse. `patienceMs`: how long a
 * worker may take, if it is longer than for others.
 */
export const everyWorker =
  <T>(spec: RouteSpec, merge: Merge<T>, patienceMs?: number): ViewRoute =>
  (app, deps) => {
    app.route({
      ...fromSpec(spec),
      handler: async (request, reply) => {
        const answers = await deps.crew.all(passOn(request), patienceMs);
        const good = answers.replies.filter(isGood);
        if (good.length === 0) throw refusalOf(answers);
        return withMissing(reply, await merge(good.map(partOf<T>), deps, request), answers.missing);
      },
    });
  };
