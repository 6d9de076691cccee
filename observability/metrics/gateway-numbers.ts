/** One queue that is emptied at the end of a turn. */
export interface QueueNumbers {
  readonly queue: string;
  readonly packets: number;
  readonly peak: number;
  readonly limit: number;
}

/** GRE of all tunnels: `reordered`, `lost` and `windowTimeOuts` since the start, the rest of the moment. */
export interface GreNumbers {
  readonly reordered: number;
  readonly lost: number;
  readonly windowTimeOuts: number;
  readonly windowSize: number;
  readonly inFlight: number;
  /** Packets that wait for one before them, and for room in the peer's window. */
  readonly held: number;
  readonly waiting: number;
}

export interface PoolNumbers {
  readonly family: 'ipv4' | 'ipv6';
  readonly used: number;
  readonly size: number;
}

/** What a gateway knows of itself at this moment. Metrics ask for it when somebody asks them. */
export interface GatewayNumbers {
  /** Tunnels by state. */
  readonly settingUp: number;
  readonly up: number;
  readonly controlConnections: number;
  /** Clients whose set-up runs, and those that wait for theirs to begin. */
  readonly setups: { readonly running: number; readonly waiting: number };
  readonly gre: GreNumbers;
  readonly queues: readonly QueueNumbers[];
  readonly pools: readonly PoolNumbers[];
  /** Name of the tunnel device. */
  readonly tun: string;
}
