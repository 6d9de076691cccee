import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { GatewayError } from '../../core/errors.ts';
import { createAdminApp } from './app.ts';
import type { AdminDeps, AdminRoute } from './route.ts';

/** Only the user that the gateway runs as. */
const PRIVATE_UMASK = 0o177;

const errno = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'unknown';

/** Only a refusal says that nobody listens: a gateway with a full queue, or of another user, is there. */
const isStale = (path: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (cause) => {
      const code = errno(cause);
      if (code === 'EAGAIN') resolve(false);
      else if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve(true);
      else reject(cannotServe(path, cause));
    });
  });

/** Takes away the socket that a process left behind when it died. */
const clearStale = async (path: string): Promise<void> => {
  const found = await lstat(path).catch((cause: unknown) => {
    if (errno(cause) === 'ENOENT') return undefined;
    throw cannotServe(path, cause);
  });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new GatewayError(
      'ADMIN_SOCKET',
      `${path} is there and is not a socket: remove it, or set PPTP_ADMIN_SOCKET to another path.`,
    );
  }
  if (!(await isStale(path))) {
    throw new GatewayError(
      'ADMIN_SOCKET',
      `another gateway answers on ${path}: stop it, or give this one a PPTP_STATE_DIR or PPTP_ADMIN_SOCKET of its own.`,
    );
  }
  await unlink(path).catch((cause: unknown) => {
    if (errno(cause) !== 'ENOENT') throw cannotServe(path, cause);
  });
};

const cannotServe = (path: string, cause: unknown): GatewayError =>
  new GatewayError(
    'ADMIN_SOCKET',
    `the admin socket ${path} cannot be made (${errno(cause)}): set PPTP_ADMIN_SOCKET to a path in a folder that is there and may be written to, or to off.`,
    { cause },
  );

/** The admin API on a Unix socket that only the user of the gateway may open. */
export class AdminServer {
  readonly path: string;
  private readonly app: FastifyInstance;

  constructor(path: string, deps: AdminDeps, routes: readonly AdminRoute[]) {
    this.path = path;
    this.app = createAdminApp(deps, routes);
    // After the hooks of the routes, which end what is being answered: who still reads must not hold up the end of the
    // gateway.
    this.app.addHook('preClose', (done) => {
      this.app.server.closeAllConnections();
      done();
    });
  }

  /** Rejects with ADMIN_SOCKET; then nothing is left behind. */
  async start(): Promise<void> {
    await clearStale(this.path);
    await this.app.ready();
    await this.listen();
  }

  /** Routes may end their answers (`preClose`); then every connection is cut. */
  async stop(): Promise<void> {
    await this.app.close();
  }

  private listen(): Promise<void> {
    const { server } = this.app;
    return new Promise((resolve, reject) => {
      server.once('error', (cause) => reject(cannotServe(this.path, cause)));
      server.once('listening', resolve);
      // The socket is bound within the call: nobody else can connect before its mode is right.
      const before = process.umask(PRIVATE_UMASK);
      try {
        server.listen({ path: this.path });
      } finally {
        process.umask(before);
      }
    });
  }
}
