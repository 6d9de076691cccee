/** The whole gateway at one moment: `GET /v1/stats`, and each event `stats` of its stream (once a second). */
export interface Stats {
  /** ISO 8601. */
  readonly at: string;
  readonly tunnels: { readonly up: number; readonly setup: number; readonly waiting: number };
  readonly controlConnections: number;
  readonly traffic: Traffic;
  readonly funnel: Funnel;
  readonly drops: readonly StageDrops[];
  readonly stages: readonly StageFlow[];
  readonly pools: readonly PoolUse[];
  readonly processes: readonly ProcessUse[];
  readonly missing?: readonly number[];
}

/** Of the two devices: cumulative octets and packets, and a second's worth of both. `in` is from the peers. */
export interface Traffic {
  readonly octetsIn: number;
  readonly octetsOut: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  /** Octets and packets a second. */
  readonly rateIn: number;
  readonly rateOut: number;
  readonly packetRateIn: number;
  readonly packetRateOut: number;
}

/** Where set-ups get to, since the start of the gateway: each phase counts those that reached it, and where they ended. */
export interface Funnel {
  readonly phases: readonly {
    /** `control`, `lcp`, `auth`, `address`, `ccp`, `ipcp`, `ipv6cp`, `up`. */
    readonly phase: string;
    readonly reached: number;
    readonly failed: number;
    /** By the stable word of the failure. */
    readonly reasons: Readonly<Record<string, number>>;
  }[];
}

export interface StageDrops {
  readonly stage: string;
  readonly direction: 'in' | 'out';
  readonly reason: string;
  readonly count: number;
}

/** A stage of the pipeline, in its order, or one of the devices at its ends. */
export interface StageFlow {
  readonly stage: string;
  /** Null of devices. */
  readonly slot: number | null;
  readonly passedIn: number;
  readonly passedOut: number;
  readonly droppedIn: number;
  readonly droppedOut: number;
}

export interface PoolUse {
  /** `default`, the name of a pool, or `ipv6`. */
  readonly pool: string;
  readonly range: string;
  readonly used: number;
  readonly size: number;
}

export interface ProcessUse {
  /** Absent: the gateway is one process, or it is the supervisor. */
  readonly worker?: number;
  readonly pid: number;
  readonly uptimeSeconds: number;
  /** Of one processor, 0 to 1, of the last second. */
  readonly cpu: number;
  readonly residentOctets: number;
  /** How late the event loop is, 99th percentile of the last seconds. */
  readonly eventLoopMs: number;
}

/** `GET /v1/stats/history`: the latest points, oldest first, `stepSeconds` apart. */
export interface StatsHistory {
  readonly stepSeconds: number;
  readonly points: readonly StatsPoint[];
}

export interface StatsPoint {
  /** ms since 1970. */
  readonly at: number;
  readonly up: number;
  readonly setup: number;
  /** Octets a second. */
  readonly rateIn: number;
  readonly rateOut: number;
  /** Packets dropped a second. */
  readonly dropRate: number;
}
