import type { Socket } from 'node:net';
import type { CancelSignal } from '../../core/ports/cancel.ts';

/** What a source tells. */
export interface ConnectionTaker {
  /** The socket may be gone already. Nobody listens to its errors yet. */
  take(socket: Socket): void;
  /** One connection, or all for a while, could not be accepted; the source lives on. */
  failed(error: Error): void;
}

/** Where the TCP connections of a control plug-in come from. */
export interface ConnectionSource {
  /** Where it listens; undefined while it does not, and for a source that never does. */
  readonly listening: { readonly address: string; readonly port: number } | undefined;
  /** Rejects with a GatewayError when no connection can come. */
  start(taker: ConnectionTaker, signal: CancelSignal): Promise<void>;
  /** Nothing is taken after the call; resolves when all that was taken is closed. */
  stop(): Promise<void>;
}
