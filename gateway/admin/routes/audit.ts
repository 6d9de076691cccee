import type { FastifyInstance } from 'fastify';
import type { AuditEntry } from '../api/operations.ts';
import type { AuditLog } from '../audit.ts';
import { fromSpec } from '../spec.ts';
import { AUDIT } from '../specs/operations.ts';

const ENTRIES = 100;

interface AuditRequest {
  readonly Querystring: { readonly limit?: number; readonly action?: string };
}

/** Of a gateway of one process, or of a supervisor: workers keep none. */
export const auditRoute = (app: FastifyInstance, { audit }: { readonly audit: AuditLog }): void => {
  app.route<AuditRequest>({
    ...fromSpec(AUDIT),
    handler: async ({ query: { limit = ENTRIES, action } }): Promise<{ readonly entries: readonly AuditEntry[] }> => ({
      entries: await audit.read({ limit, ...(action === undefined ? {} : { action }) }),
    }),
  });
};
