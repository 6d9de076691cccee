/** `starting` ends once; `draining` may go back to `ready`; `stopping` is the end. */
export const LIFE_PHASES = ['starting', 'ready', 'draining', 'stopping'] as const;
export type LifePhase = (typeof LIFE_PHASES)[number];

/** `GET /v1/life`. */
export interface LifeView {
  readonly phase: LifePhase;
  /** ISO 8601: when this phase began. */
  readonly since: string;
  /** Calls that are up or being set up. */
  readonly sessions: number;
  /** ISO 8601: when a drain ends what is left; null without one. */
  readonly deadline: string | null;
  /** Whether the process ends after the drain. */
  readonly thenStop: boolean;
  /** Who wanted it; null while nobody did. */
  readonly by: string | null;
}

/** Body of `POST /v1/drain`. `DELETE /v1/drain` takes calls again. */
export interface DrainRequest {
  /** How long tunnels may go on; PPTP_DRAIN_TIMEOUT if left out. 0: ends them at once. */
  readonly seconds?: number;
  /** End the process after it; false if left out. */
  readonly stop?: boolean;
}

/** `POST /v1/reload`. A configuration with mistakes is refused with CONFIG_INVALID, and nothing changes. */
export interface ReloadReport {
  /** In force now; those that concern negotiation hold for new sessions. */
  readonly changed: readonly ChangedKey[];
  /** Read, and not in force before the gateway is started again. */
  readonly needRestart: readonly ChangedKey[];
  readonly warnings: readonly string[];
}

export interface ChangedKey {
  /** "ppp.mru". */
  readonly key: string;
  readonly env: string;
  /** "[secret]" for secrets. */
  readonly from: string;
  readonly to: string;
}
