import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import type { AdminSettings, GatewayConfig } from '../../config/types.ts';
import type { Life } from '../life/life.ts';
import { hasTokens } from './access-tokens.ts';
import { adminUrl } from './admin-url.ts';
import type { AppDeps } from './app.ts';
import { pages } from './pages.ts';
import { AdminServer } from './server.ts';
import { ensureTokenFile, removeTokenFile, type TokenFile, tokenFilePath } from './token-file.ts';

/** What a server of the configuration needs of the gateway, whatever its routes do. */
export interface ServedDeps extends AppDeps {
  readonly version: string;
  readonly config: GatewayConfig;
  readonly life: Life;
}

/** dist/pages, from dist/gateway/admin and from gateway/admin. */
const dashboardFolder = (): string => {
  const top = new URL('../../', import.meta.url);
  return fileURLToPath(new URL(top.pathname.endsWith('/dist/') ? 'pages' : 'dist/pages', top));
};

const tlsOf = ({ tlsCert, tlsKey }: AdminSettings): { readonly cert: string; readonly key: string } | undefined =>
  tlsCert === 'none' ? undefined : { cert: tlsCert, key: tlsKey };

/**
 * Does `work` while the admin API answers where the configuration wants it; nowhere, and ready all the same, where it
 * wants none. Rejects with ADMIN_SOCKET, ADMIN_LISTEN or ADMIN_TOKEN before `work` begins.
 */
export const serveAdmin = async <Deps extends ServedDeps, T>(
  deps: Deps,
  routes: readonly ((app: FastifyInstance, deps: Deps) => void)[],
  work: () => Promise<T>,
): Promise<T> => {
  const { config, life, log, version } = deps;
  const { admin, stateDir } = config;
  const path = tokenFilePath(stateDir);
  const file = admin.port === 0 || hasTokens(admin) ? undefined : await ensureTokenFile(path);
  const entrance = {
    address: admin.address,
    port: admin.port,
    tls: tlsOf(admin),
    settings: () => life.config().config.admin,
    madeToken: file?.token,
  };
  const server = new AdminServer(admin.socket, deps, routes, {
    pages: pages({ version, log, dashboard: dashboardFolder() }),
    ...(admin.port === 0 ? {} : { tcp: entrance }),
  });
  const undo = undoUnlessReady(life, path, file);
  try {
    await server.start();
    if (server.tcpAddress !== undefined) {
      const url = adminUrl(admin, server.tcpAddress);
      const where = file === undefined ? 'of the configuration' : `in ${path}`;
      log.info('admin.listening', `the admin API and the dashboard are at ${url}, with the token ${where}`, { url });
    }
    return await work();
  } catch (cause) {
    await undo();
    throw cause;
  } finally {
    await server.stop();
  }
};

/** A token of a gateway that never ran is of no use to anybody. */
const undoUnlessReady = (life: Life, path: string, file: TokenFile | undefined): (() => Promise<void>) => {
  let ran = life.view().phase !== 'starting';
  const forget = life.onChange(({ phase }) => {
    ran ||= phase === 'ready';
  });
  return async () => {
    forget();
    if (!ran && file?.isNew === true) await removeTokenFile(path);
  };
};
