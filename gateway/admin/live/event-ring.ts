import type { GatewayEvent } from '../api/events.ts';

export interface KeptEvent {
  /** Grows with each event, also from one run of the gateway to the next. */
  readonly id: number;
  readonly event: GatewayEvent;
}

/** Events that are kept for readers that come back. */
const KEPT = 256;
const IDS_PER_MS = 1000;

/** The latest events, and who is told of new ones. */
export class EventRing {
  private readonly kept: KeptEvent[] = [];
  private readonly listeners = new Set<(kept: KeptEvent) => void>();
  private lastId: number;

  /** `wallMs`: ms since 1970, from which ids begin. */
  constructor(wallMs: number = Date.now()) {
    this.lastId = Math.floor(wallMs) * IDS_PER_MS;
  }

  get last(): number {
    return this.lastId;
  }

  add(event: GatewayEvent): void {
    this.lastId += 1;
    const kept = { id: this.lastId, event };
    this.kept.push(kept);
    if (this.kept.length > KEPT) this.kept.shift();
    for (const listener of this.listeners) listener(kept);
  }

  /** Those behind `id` that are still known, oldest first. */
  since(id: number): readonly KeptEvent[] {
    return this.kept.filter((one) => one.id > id);
  }

  /** Returns how to take it back. */
  listen(listener: (kept: KeptEvent) => void): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }
}
