/** The time of day, for what leaves this process; never for measuring. */
export interface WallClock {
  /** In ms since 1970-01-01 UTC. It may jump. */
  now(): number;
}
