import { createHash, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';

const digest = (token: string): Buffer => createHash('sha256').update(token).digest();

/**
 * Connections on which a right token was shown, and which one. While wrong tokens from the same source are not looked at any
 * more, who has shown the right one goes on on that connection: whoever guesses has other connections, and cannot use it as an
 * oracle. Where a proxy lets many share a connection, one guess costs it its proof.
 */
export class ProvenConnections {
  readonly #known = new WeakMap<Socket, Buffer>();

  /** The token is right. */
  note(socket: Socket, token: string): void {
    this.#known.set(socket, digest(token));
  }

  forget(socket: Socket): void {
    this.#known.delete(socket);
  }

  /** Whether it is the one that was right on this connection. With another one the connection has proven nothing any more. */
  isProven(socket: Socket, token: string): boolean {
    const known = this.#known.get(socket);
    if (known === undefined) return false;
    if (timingSafeEqual(digest(token), known)) return true;
    this.#known.delete(socket);
    return false;
  }
}
