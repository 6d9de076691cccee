import type { Socket } from 'node:net';
import type { CancelSignal } from '../../core/ports/cancel.ts';

/** What a source tells. */
export interface ConnectionTaker {
  /**
   * The socket may be gone already. Nobody listens to its errors yet. `isKnown`: a user has logged in from its address
   * before, where the source applies the limits of connections.
   */
  take(socket: Socket, isKnown?: boolean): void;
  /** Ends a connection that was taken, to make room for another. */
  evict?(socket: Socket): void;
  /** One connection, or all for a while, could not be accepted; the source lives on. */
  failed(error: Error): void;
}

/** How far a connection is: its set-up waits for others, it may go on, its user has proven itself. */
export const CONNECTION_STANDINGS = ['waits', 'goes-on', 'proven'] as const;
export type ConnectionStanding = (typeof CONNECTION_STANDINGS)[number];

/** Where the TCP connections of a control plug-in come from. */
export interface ConnectionSource {
  /** Where it listens; undefined while it does not, and for a source that never does. */
  readonly listening: { readonly address: string; readonly port: number } | undefined;
  /** Rejects with a GatewayError when no connection can come. */
  start(taker: ConnectionTaker, signal: CancelSignal): Promise<void>;
  /** Nothing is taken after the call; resolves when all that was taken is closed. */
  stop(): Promise<void>;
  /** Told how far a connection is that was taken, where limits of connections are applied elsewhere. */
  standing?(socket: Socket, standing: ConnectionStanding): void;
}
