import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { AdminSettings } from '../../config/types.ts';
import { type AccessTokens, tokensOf } from './access-tokens.ts';
import { type AppDeps, type AppOptions, createAdminApp } from './app.ts';
import { RefusedBudget } from './audit-changes.ts';
import { BearerCaller, type BearerDeps } from './bearer.ts';
import { type Caller, SOCKET_CALLER } from './caller.ts';
import { OngoingAnswers } from './ongoing-answers.ts';
import { ProvenConnections } from './proven-connections.ts';
import { cannotServe, SocketPlace } from './socket-place.ts';
import { TcpServer, type TcpServerOptions } from './tcp-server.ts';
import { WrongTokens } from './wrong-tokens.ts';

/** Only the user that the gateway runs as. */
const PRIVATE_UMASK = 0o177;

export interface TcpEntrance extends Omit<TcpServerOptions, 'log'> {
  /** Tokens of the configuration in force; another object when they may have changed. */
  readonly settings: () => AdminSettings;
  /** The token of the state folder, for a configuration without any. */
  readonly madeToken: string | undefined;
}

export interface AdminServerOptions {
  readonly tcp?: TcpEntrance;
  readonly pages?: AppOptions['pages'];
}

/**
 * The admin API on a Unix socket that only the user of the gateway may open (none where the path is undefined), and on
 * TCP for who has a token.
 */
export class AdminServer<Deps extends AppDeps> {
  readonly path: string | undefined;
  /** Where it listens on TCP, once it does. */
  tcpAddress: { readonly address: string; readonly port: number } | undefined;
  private readonly app: FastifyInstance;
  private readonly tcp: TcpServer | undefined;
  private place: SocketPlace | undefined;

  constructor(
    path: string | undefined,
    deps: Deps,
    routes: readonly ((app: FastifyInstance, deps: Deps) => void)[],
    { tcp, pages }: AdminServerOptions = {},
  ) {
    this.path = path;
    const refused = new RefusedBudget(() => performance.now());
    // Marked where it comes in: who comes over TCP and has gone has no address any more.
    const strangers = new WeakMap<IncomingMessage, Caller>();
    this.app = createAdminApp(deps, routes, {
      callerOf: (request) => strangers.get(request) ?? SOCKET_CALLER,
      refused,
      ...(pages === undefined ? {} : { pages }),
    });
    if (tcp !== undefined) {
      const bearer = bearerDeps(deps, tcp, refused);
      const ongoing = new OngoingAnswers();
      this.tcp = new TcpServer({ ...tcp, log: deps.log }, (request, response) => {
        const caller = new BearerCaller(request, bearer);
        strangers.set(request, caller);
        ongoing.watch(response, caller);
        this.app.routing(request, response);
      });
    }
    // After the hooks of the routes, which end what is being answered: who still reads must not hold up the end of the
    // gateway.
    this.app.addHook('preClose', async () => {
      this.app.server.closeAllConnections();
      await this.tcp?.stop();
    });
  }

  /** Rejects with ADMIN_SOCKET or ADMIN_LISTEN; then nothing is left behind. */
  async start(): Promise<void> {
    await this.app.ready();
    try {
      if (this.path !== undefined) {
        const place = new SocketPlace(this.path);
        await this.listen(this.path, place.draft);
        await place.take();
        this.place = place;
      }
      this.tcpAddress = await this.tcp?.start();
    } catch (cause) {
      await this.stop();
      throw cause;
    }
  }

  /** Routes may end their answers (`preClose`); then every connection is cut. */
  async stop(): Promise<void> {
    await this.place?.leave();
    this.place = undefined;
    await this.app.close();
  }

  private listen(wanted: string, path: string): Promise<void> {
    const { server } = this.app;
    return new Promise((resolve, reject) => {
      server.once('error', (cause) => reject(cannotServe(wanted, cause)));
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

const bearerDeps = (
  { log, audit }: AppDeps,
  { settings, madeToken }: TcpEntrance,
  refused: RefusedBudget,
): BearerDeps => {
  let known: { readonly of: AdminSettings; readonly tokens: AccessTokens } | undefined;
  const tokens = (): AccessTokens => {
    const now = settings();
    if (known?.of !== now) known = { of: now, tokens: tokensOf(now, madeToken) };
    return known.tokens;
  };
  return {
    log,
    audit,
    refused,
    tokens,
    wrong: new WrongTokens(() => performance.now()),
    proven: new ProvenConnections(),
  };
};
