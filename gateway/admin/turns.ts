import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests of one connection that may wait for the answers before theirs. */
const MOST_WAITING = 32;

interface Line {
  busy: boolean;
  readonly waiting: (() => void)[];
}

/** One request of a connection at a time: who sends many before it reads an answer holds no more than one of them. */
export class Turns {
  readonly #lines = new WeakMap<Socket, Line>();

  take(socket: Socket, response: ServerResponse, work: () => void): void {
    const line = this.#lines.get(socket) ?? { busy: false, waiting: [] };
    this.#lines.set(socket, line);
    const start = (): void => {
      line.busy = true;
      response.once('close', () => {
        line.busy = false;
        // What waits for a connection that is gone is forgotten with it.
        if (!socket.destroyed) line.waiting.shift()?.();
      });
      work();
    };
    if (!line.busy) start();
    else if (line.waiting.length < MOST_WAITING) line.waiting.push(start);
    else socket.destroy();
  }
}
