import { createServer, type Server } from 'node:net';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { ConnectionSource, ConnectionTaker } from './connection-source.ts';
import { takeFrom } from './held-socket.ts';
import { listenError } from './listen-error.ts';
import type { ControlPptpOptions } from './options.ts';

export type TcpListenerOptions = Pick<ControlPptpOptions, 'address' | 'port' | 'backlog'> & {
  /** Nothing is read from the sockets here, so that another process can have them whole. */
  readonly pauseOnConnect?: boolean;
  /** Does not listen at `start`: `inherit` says on what. */
  readonly inherits?: boolean;
};

/** Takes connections on a TCP port. */
export class TcpListener implements ConnectionSource {
  private readonly options: TcpListenerOptions;
  private server: Server | undefined;
  private taker: ConnectionTaker | undefined;

  constructor(options: TcpListenerOptions) {
    this.options = options;
  }

  get listening(): { readonly address: string; readonly port: number } | undefined {
    const bound = this.server?.address();
    return typeof bound === 'object' && bound !== null ? { address: bound.address, port: bound.port } : undefined;
  }

  /** Rejects with PORT_TAKEN, ADDRESS_UNAVAILABLE or NOT_ROOT. */
  async start(taker: ConnectionTaker, signal: CancelSignal): Promise<void> {
    this.taker = taker;
    if (this.options.inherits === true) return;
    const { address, port, backlog, pauseOnConnect = false } = this.options;
    const server = createServer({ pauseOnConnect }, (socket) => taker.take(socket));
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(listenError(cause, address, port)));
      server.once('close', resolve);
      signal.addEventListener('abort', resolve);
      try {
        server.listen({ host: address, port, backlog }, resolve);
      } catch (cause) {
        reject(listenError(cause, address, port));
      }
    });
    if (signal.aborted || this.server !== server) {
      server.close();
      return;
    }
    server.removeAllListeners('error');
    // For example no file descriptor left: the listening socket lives on.
    server.on('error', (error) => taker.failed(error));
  }

  /** The server, for a process that takes over. */
  get listener(): Server | undefined {
    return this.server;
  }

  /** Takes connections from the server of the process before. */
  inherit(server: Server): void {
    const { taker } = this;
    if (taker === undefined) {
      server.close();
      return;
    }
    this.server = server;
    // As `createServer` was told for the one before; Node gives such a server no options.
    if (this.options.pauseOnConnect === true) Reflect.set(server, 'pauseOnConnect', true);
    takeFrom(
      server,
      this.options.backlog,
      (socket) => taker.take(socket),
      (error) => taker.failed(error),
    );
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}
