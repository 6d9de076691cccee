import type { Instant } from '../../../core/time.ts';
import type { CountersSnapshot, StageCounts } from '../../../observability/counters.ts';
import type { FunnelPhase } from '../../../observability/funnel.ts';
import type { Gateway } from '../../bootstrap.ts';
import type { PoolUse, StageDrops, StageFlow, Stats, StatsHistory, StatsPoint, Traffic } from '../api/stats.ts';
import type { Now } from './session-json.ts';

/** What the process counts. */
export interface LiveCounts {
  snapshot(): CountersSnapshot;
  readonly funnel: { snapshot(): readonly FunnelPhase[] };
}

export interface StatsSources {
  readonly gateway: Pick<Gateway, 'live' | 'control' | 'pools' | 'stages'>;
  readonly counts: LiveCounts;
  /** Of the default pool, named pools, and IPv6 prefixes; by pool. */
  readonly ranges: ReadonlyMap<string, string>;
  /** How late the event loop is, 99th percentile, ms. */
  eventLoopMs(): number;
}

export const HISTORY_STEP_MS = 5_000;
const HISTORY_POINTS = 180;
/** Two looks that are closer than this share their rates. */
const LEAST_MS = 900;
const SECOND_MS = 1000;
const GRE = 'gre-socket';
const TUN = 'tun';

interface Totals {
  readonly octetsIn: number;
  readonly octetsOut: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly dropped: number;
  /** Seconds of the processor. */
  readonly cpu: number;
}

interface Sample {
  readonly at: Instant;
  readonly totals: Totals;
}

const dropCount = ({ dropped }: StageCounts): number => Object.values(dropped).reduce((sum, count) => sum + count, 0);

const totalsOf = ({ stages }: CountersSnapshot): Totals => {
  const gre = stages.get(GRE);
  let dropped = 0;
  for (const counts of stages.values()) dropped += dropCount(counts.in) + dropCount(counts.out);
  const { user, system } = process.cpuUsage();
  return {
    octetsIn: gre?.in.octets ?? 0,
    octetsOut: gre?.out.octets ?? 0,
    packetsIn: gre?.in.passed ?? 0,
    packetsOut: gre?.out.passed ?? 0,
    dropped,
    cpu: (user + system) / 1e6,
  };
};

/** What each second had of it between two samples. */
const perSecond = (from: Sample | undefined, to: Sample, of: (totals: Totals) => number): number => {
  if (from === undefined || to.at <= from.at) return 0;
  return ((of(to.totals) - of(from.totals)) * SECOND_MS) / (to.at - from.at);
};

/** The numbers of this process, and how they were in the last quarter of an hour. */
export class StatsKeeper {
  private readonly sources: StatsSources;
  /** Rates are those between the two. */
  private before: Sample | undefined;
  private latest: Sample | undefined;
  private stepped: Sample | undefined;
  private readonly points: StatsPoint[] = [];

  constructor(sources: StatsSources) {
    this.sources = sources;
  }

  /** One more point of the history; once in each `HISTORY_STEP_MS`. */
  step(now: Now): void {
    const snapshot = this.sources.counts.snapshot();
    const sample = { at: now.at, totals: totalsOf(snapshot) };
    const from = this.stepped;
    this.stepped = sample;
    this.sampled(sample);
    const { up, setup } = this.tunnels();
    this.points.push({
      // Of all processes at the same time, so that a supervisor can add them.
      at: Math.round(now.wall / HISTORY_STEP_MS) * HISTORY_STEP_MS,
      up,
      setup,
      rateIn: Math.round(perSecond(from, sample, ({ octetsIn }) => octetsIn)),
      rateOut: Math.round(perSecond(from, sample, ({ octetsOut }) => octetsOut)),
      dropRate: Math.round(perSecond(from, sample, ({ dropped }) => dropped) * 10) / 10,
    });
    if (this.points.length > HISTORY_POINTS) this.points.shift();
  }

  history(): StatsHistory {
    return { stepSeconds: HISTORY_STEP_MS / SECOND_MS, points: [...this.points] };
  }

  stats(now: Now): Stats {
    const snapshot = this.sources.counts.snapshot();
    this.sampled({ at: now.at, totals: totalsOf(snapshot) });
    const { connections, waiting } = this.sources.gateway.control();
    return {
      at: new Date(now.wall).toISOString(),
      tunnels: { ...this.tunnels(), waiting },
      controlConnections: connections,
      traffic: this.traffic(),
      funnel: { phases: this.sources.counts.funnel.snapshot() },
      drops: dropsOf(snapshot),
      stages: this.flows(snapshot),
      pools: poolsOf(this.sources),
      processes: [
        {
          pid: process.pid,
          uptimeSeconds: Math.round(process.uptime()),
          cpu: Math.round(this.rate(({ cpu }) => cpu) * 1000) / 1000,
          residentOctets: process.memoryUsage.rss(),
          eventLoopMs: Math.round(this.sources.eventLoopMs() * 10) / 10,
        },
      ],
    };
  }

  private sampled(sample: Sample): void {
    if (this.latest !== undefined && sample.at - this.latest.at < LEAST_MS) return;
    this.before = this.latest;
    this.latest = sample;
  }

  private rate(of: (totals: Totals) => number): number {
    return this.latest === undefined ? 0 : perSecond(this.before, this.latest, of);
  }

  private traffic(): Traffic {
    const { octetsIn = 0, octetsOut = 0, packetsIn = 0, packetsOut = 0 } = this.latest?.totals ?? {};
    return {
      octetsIn,
      octetsOut,
      packetsIn,
      packetsOut,
      rateIn: Math.round(this.rate((totals) => totals.octetsIn)),
      rateOut: Math.round(this.rate((totals) => totals.octetsOut)),
      packetRateIn: Math.round(this.rate((totals) => totals.packetsIn)),
      packetRateOut: Math.round(this.rate((totals) => totals.packetsOut)),
    };
  }

  private tunnels(): { readonly up: number; readonly setup: number } {
    let up = 0;
    let setup = 0;
    for (const { upAt } of this.sources.gateway.live.all()) {
      if (upAt === undefined) setup += 1;
      else up += 1;
    }
    return { up, setup };
  }

  private flows({ stages }: CountersSnapshot): readonly StageFlow[] {
    const flow = (stage: string, slot: number | null): StageFlow => {
      const counts = stages.get(stage);
      return {
        stage,
        slot,
        passedIn: counts?.in.passed ?? 0,
        passedOut: counts?.out.passed ?? 0,
        droppedIn: counts === undefined ? 0 : dropCount(counts.in),
        droppedOut: counts === undefined ? 0 : dropCount(counts.out),
      };
    };
    return [flow(GRE, null), ...this.sources.gateway.stages.map(({ name, slot }) => flow(name, slot)), flow(TUN, null)];
  }
}

const DIRECTIONS = ['in', 'out'] as const;

const dropsOf = ({ stages }: CountersSnapshot): readonly StageDrops[] =>
  [...stages].flatMap(([stage, counts]) =>
    DIRECTIONS.flatMap((direction) =>
      Object.entries(counts[direction].dropped).map(([reason, count]) => ({ stage, direction, reason, count })),
    ),
  );

export const poolsOf = ({ gateway, ranges }: Pick<StatsSources, 'gateway' | 'ranges'>): readonly PoolUse[] =>
  gateway.pools().map(({ pool, used, size }) => ({ pool, range: ranges.get(pool) ?? '', used, size }));
