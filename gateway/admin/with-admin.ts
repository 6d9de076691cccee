import type { AdminDeps, AdminRoute } from './route.ts';

/**
 * Does `work` while the admin API answers, where the configuration wants it. `more` are routes that need more than
 * `AdminDeps`. The server is loaded only here: no other verb of the command line needs it.
 */
export const withAdmin = async <T>(
  deps: AdminDeps,
  more: readonly AdminRoute[],
  work: () => Promise<T>,
): Promise<T> => {
  const { socket, port } = deps.config.admin;
  if (socket === undefined && port === 0) return work();
  const [{ serveAdmin }, { ADMIN_ROUTES }] = await Promise.all([import('./serve.ts'), import('./routes/index.ts')]);
  return serveAdmin(deps, [...ADMIN_ROUTES, ...more], work);
};
