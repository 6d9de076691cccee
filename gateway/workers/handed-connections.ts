import type { Socket } from 'node:net';
import type { ConnectionSource, ConnectionStanding, ConnectionTaker } from '../../plugins/control-pptp/index.ts';
import type { WorkerMessage } from './messages.ts';

/** In a worker: the connections that the supervisor hands over. */
export class HandedConnections implements ConnectionSource {
  readonly listening = undefined;
  private readonly send: (message: WorkerMessage) => void;
  private readonly open = new Map<Socket, number>();
  private readonly sockets = new Map<number, Socket>();
  private taker: ConnectionTaker | undefined;
  private whenClosed: (() => void) | undefined;

  constructor(send: (message: WorkerMessage) => void) {
    this.send = send;
  }

  start(taker: ConnectionTaker): Promise<void> {
    this.taker = taker;
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.taker = undefined;
    if (this.open.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.whenClosed = resolve;
    });
  }

  /** A message about a connection has come; without its socket when the peer has gone meanwhile. */
  hand(connection: number, socket: Socket | undefined, isKnown: boolean): void {
    this.send({ kind: 'taken', connection });
    if (socket === undefined) {
      this.send({ kind: 'ended', connection });
      return;
    }
    this.follow(connection, socket);
    if (this.taker === undefined) socket.destroy();
    else this.taker.take(socket, isKnown);
  }

  /** One that a worker before had; who took it knows of it. */
  restore(connection: number, socket: Socket): void {
    this.follow(connection, socket);
  }

  private follow(connection: number, socket: Socket): void {
    socket.on('error', () => undefined);
    this.open.set(socket, connection);
    this.sockets.set(connection, socket);
    socket.once('close', () => {
      this.open.delete(socket);
      this.sockets.delete(connection);
      this.send({ kind: 'ended', connection });
      if (this.open.size === 0) this.whenClosed?.();
    });
  }

  /** It may be gone already. */
  evict(connection: number): void {
    const socket = this.sockets.get(connection);
    if (socket !== undefined) this.taker?.evict?.(socket);
  }

  standing(socket: Socket, standing: ConnectionStanding): void {
    const connection = this.open.get(socket);
    if (connection !== undefined) this.send({ kind: 'standing', connection, standing });
  }
}
