import type { Log } from '../../core/ports/log.ts';

/** Changes of the host's routes, those of one network one after the other. */
export class RouteTurns {
  private readonly log: Log;
  private readonly turns = new Map<string, Promise<void>>();

  constructor(log: Log) {
    this.log = log;
  }

  /** `failed` is told when it cannot be added. */
  add(network: string, change: () => Promise<void>, failed: (detail: string) => void): void {
    this.inTurn(network, () =>
      change().catch((cause: unknown) => failed(`the route to ${network} cannot be set: ${wordsOf(cause)}`)),
    );
  }

  remove(network: string, change: () => Promise<void>): void {
    this.inTurn(network, () =>
      change().catch((cause: unknown) => {
        const fields = { network, error: wordsOf(cause) };
        this.log.error('route.not-removed', 'The route to a network behind a peer could not be taken out.', fields);
      }),
    );
  }

  private inTurn(network: string, work: () => Promise<void>): void {
    const before = this.turns.get(network);
    const over = (): void => {
      if (this.turns.get(network) === done) this.turns.delete(network);
    };
    const done: Promise<void> = (before === undefined ? work() : before.then(work)).then(over, over);
    this.turns.set(network, done);
  }
}

const wordsOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
