import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Log } from '../../core/ports/log.ts';

export interface PagesOptions {
  readonly version: string;
  readonly log: Log;
  /** Folder of the built dashboard. */
  readonly dashboard: string;
}

const DOCS = /^\/(openapi\.json|docs|docs\/.*)$/;

/** Pages for people: the dashboard, and what the API is. Nothing of them is loaded before somebody asks for it. */
export const pages = (
  options: PagesOptions,
): ((request: IncomingMessage, response: ServerResponse) => Promise<void>) => {
  const makers = {
    docs: async () => (await import('./docs-pages.ts')).docsPages(options),
    dashboard: async () => (await import('./dashboard-pages.ts')).dashboardPages(options),
  };
  const made = new Map<keyof typeof makers, Promise<FastifyInstance>>();
  const appOf = (which: keyof typeof makers): Promise<FastifyInstance> => {
    const found = made.get(which) ?? makers[which]();
    made.set(which, found);
    return found;
  };
  return async (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    try {
      const app = await appOf(DOCS.test(path) ? 'docs' : 'dashboard');
      app.routing(request, response);
    } catch (error) {
      options.log.error('admin.fault', 'a bug in the pages of the admin API', { error });
      response.destroy();
    }
  };
};
