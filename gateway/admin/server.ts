import type { FastifyInstance } from 'fastify';
import { type AppDeps, createAdminApp } from './app.ts';
import { cannotServe, SocketPlace } from './socket-place.ts';

/** Only the user that the gateway runs as. */
const PRIVATE_UMASK = 0o177;

/** The admin API on a Unix socket that only the user of the gateway may open. */
export class AdminServer<Deps extends AppDeps> {
  readonly path: string;
  private readonly app: FastifyInstance;
  private place: SocketPlace | undefined;

  constructor(path: string, deps: Deps, routes: readonly ((app: FastifyInstance, deps: Deps) => void)[]) {
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
    await this.app.ready();
    const place = new SocketPlace(this.path);
    await this.listen(place.draft);
    await place.take();
    this.place = place;
  }

  /** Routes may end their answers (`preClose`); then every connection is cut. */
  async stop(): Promise<void> {
    await this.place?.leave();
    await this.app.close();
  }

  private listen(path: string): Promise<void> {
    const { server } = this.app;
    return new Promise((resolve, reject) => {
      server.once('error', (cause) => reject(cannotServe(this.path, cause)));
      server.once('listening', resolve);
      // The socket is bound within the call: nobody else can connect before its mode is right.
      const before = process.umask(PRIVATE_UMASK);
      try {
        server.listen({ path });
      } finally {
        process.umask(before);
      }
    });
  }
}
