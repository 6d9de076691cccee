import { Observable, type Subscriber } from 'rxjs';
import type { PacketBatch } from './packet-batch.ts';

/**
 * Where a device's batches begin: a Subject of RxJS for its subscribers, but one that allocates nothing per batch. After
 * `complete` or `error` nothing comes any more, and who subscribes late is told at once.
 */
export class BatchSource {
  readonly batches$: Observable<PacketBatch>;
  /** Replaced, never changed: a subscriber may leave while all are told. */
  private subscribers: readonly Subscriber<PacketBatch>[] = [];
  /** How it ended, for those who come late. */
  private ended: ((subscriber: Subscriber<PacketBatch>) => void) | undefined;

  constructor() {
    this.batches$ = new Observable((subscriber) => {
      if (this.ended !== undefined) {
        this.ended(subscriber);
        return undefined;
      }
      this.subscribers = [...this.subscribers, subscriber];
      return () => {
        this.subscribers = this.subscribers.filter((one) => one !== subscriber);
      };
    });
  }

  next(batch: PacketBatch): void {
    const { subscribers } = this;
    for (let at = 0; at < subscribers.length; at += 1) subscribers[at]?.next(batch);
  }

  complete(): void {
    this.end((subscriber) => subscriber.complete());
  }

  error(cause: unknown): void {
    this.end((subscriber) => subscriber.error(cause));
  }

  private end(how: (subscriber: Subscriber<PacketBatch>) => void): void {
    if (this.ended !== undefined) return;
    this.ended = how;
    const { subscribers } = this;
    this.subscribers = [];
    for (const subscriber of subscribers) how(subscriber);
  }
}
