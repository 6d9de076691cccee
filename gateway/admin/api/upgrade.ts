/** Body of `POST /v1/upgrade`. */
export interface UpgradeOrder {
  /** End tunnels that cannot be moved, instead of refusing; false if left out. */
  readonly allowDrop?: boolean;
}

/** Another process serves now. */
export interface UpgradeReport {
  readonly pid: number;
  /** That go on in it. */
  readonly tunnels: number;
  /** Calls whose set-up was under way: their clients call again. */
  readonly setups: number;
  /** How long nothing was read or sent, in ms. */
  readonly stillMs: number;
}
