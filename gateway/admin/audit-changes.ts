import type { FastifyInstance, FastifyRequest } from 'fastify';
import { printable } from '../../core/bytes/ascii.ts';
import type { AuditLog } from './audit.ts';
import type { AuditTarget } from './route.ts';
import type { RouteSpec } from './spec.ts';

const LONGEST = 256;
const MOST_NAMES = 16;

const namesOf = (value: unknown, wanted?: readonly string[]): [string, unknown][] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).filter(([name]) => wanted === undefined || wanted.includes(name))
    : [];

/** What a change is about: path parameters, named fields of query and body, and what the route adds. */
const targetOf = ({ params, query, body, audited }: FastifyRequest, { auditFields = [] }: RouteSpec): AuditTarget => {
  const target: Record<string, string | number | boolean> = {};
  const parts = [
    ...namesOf(params),
    ...namesOf(query, auditFields),
    ...namesOf(body, auditFields),
    ...namesOf(audited),
  ];
  for (const [name, value] of parts.slice(0, MOST_NAMES)) {
    if (typeof value === 'string') target[name] = printable(value, LONGEST);
    else if (typeof value === 'number' || typeof value === 'boolean') target[name] = value;
  }
  return target;
};

/** Attempts that are kept at once, and a second: who only tries must not drive what was done out of the audit. */
const REFUSED_AT_ONCE = 100;
const SECOND_MS = 1000;

/** How many refused attempts are worth keeping. */
export class RefusedBudget {
  readonly #now: () => number;
  #left = REFUSED_AT_ONCE;
  #at: number;
  #passedOver = 0;

  constructor(now: () => number) {
    this.#now = now;
    this.#at = now();
  }

  /** Undefined: this one is passed over. Otherwise how many were since the last that was kept. */
  take(): number | undefined {
    const now = this.#now();
    this.#left = Math.min(REFUSED_AT_ONCE, this.#left + (now - this.#at) / SECOND_MS);
    this.#at = now;
    if (this.#left < 1) {
      this.#passedOver += 1;
      return undefined;
    }
    this.#left -= 1;
    const passed = this.#passedOver;
    this.#passedOver = 0;
    return passed;
  }
}

/** Notes each change, and each attempt that was refused, before its answer leaves. */
export const auditChanges = (app: FastifyInstance, audit: AuditLog, refused: RefusedBudget): void => {
  app.decorateRequest('refusal', null);
  app.decorateRequest('audited', null);
  app.addHook('onSend', async (request, reply) => {
    const spec = request.routeOptions.config.spec;
    // Who did not say who it is has tried nothing yet; wrong tokens are noted where they are read.
    if (spec?.audit === undefined || request.role === null) return;
    const { statusCode } = reply;
    const outcome = statusCode < 400 ? 'done' : statusCode < 500 ? 'refused' : 'failed';
    const passedOver = outcome === 'refused' ? refused.take() : 0;
    if (passedOver === undefined) return;
    const { actor, role, from, refusal } = request;
    await audit.note({
      action: spec.audit,
      actor,
      role,
      from,
      outcome,
      target: { ...targetOf(request, spec), ...(passedOver === 0 ? {} : { passedOver }) },
      detail: refusal === null ? null : printable(`${refusal.code}: ${refusal.message}`, LONGEST),
    });
  });
};
