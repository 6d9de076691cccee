import type { AdminDeps, AdminRoute } from './route.ts';

/**
 * Does `work` while the admin socket answers, where the configuration wants one. `more` are routes that need more than
 * `AdminDeps`. The server is loaded only here: no other verb of the command line needs it.
 */
export const withAdmin = async <T>(
  deps: AdminDeps,
  more: readonly AdminRoute[],
  work: () => Promise<T>,
): Promise<T> => {
  const { socket } = deps.config.admin;
  if (socket === undefined) return work();
  const [{ AdminServer }, { ADMIN_ROUTES }] = await Promise.all([import('./server.ts'), import('./routes/index.ts')]);
  const server = new AdminServer(socket, deps, [...ADMIN_ROUTES, ...more]);
  try {
    await server.start();
    return await work();
  } finally {
    await server.stop();
  }
};
