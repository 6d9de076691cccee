import type { WorkerLink, WorkerLinks } from '../ask.ts';

type Started = (worker: WorkerLink) => void | Promise<void>;
type Ended = (worker: WorkerLink) => void;

/**
 * The workers for one view after the other, where the first could not be opened: only the listeners of the last one are
 * told anything.
 */
export class CurrentLinks {
  private readonly links: WorkerLinks;
  private started: Started[] = [];
  private ended: Ended[] = [];

  constructor(links: WorkerLinks) {
    this.links = links;
    links.onStarted(async (worker) => {
      for (const listener of this.started) await listener(worker);
    });
    links.onEnded((worker) => {
      for (const listener of this.ended) listener(worker);
    });
  }

  /** For a view that takes the place of the one before. */
  next(): WorkerLinks {
    const started: Started[] = [];
    const ended: Ended[] = [];
    this.started = started;
    this.ended = ended;
    const { links } = this;
    return {
      workers: links.workers,
      answer: (ask, answerer) => links.answer(ask, answerer),
      onStarted: (listener) => void started.push(listener),
      onEnded: (listener) => void ended.push(listener),
    };
  }
}
