/**
 * The processes that make up this gateway (PPTP_WORKERS). Whoever opens a port, or speaks for the whole gateway, does so in
 * the first worker alone; whoever counts something for the whole gateway tells the others.
 */
export interface Fleet {
  /** 0 to count - 1; 0 of 1 where there is one process. */
  readonly index: number;
  readonly count: number;
  /** This worker lived before, crashed, and was started again while the others went on. */
  readonly restarted: boolean;
  /** Gives `message` (structured clone) to the subscribers of this topic in all other workers; at most once each, unordered between workers. */
  publish(topic: string, message: unknown): void;
  subscribe(topic: string, listener: (message: unknown) => void): void;
}
