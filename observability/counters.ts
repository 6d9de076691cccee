import { type Direction, DROP_REASONS, type DropReason } from '../core/outcome.ts';
import type { Attributes } from '../core/ports/telemetry.ts';

export interface StageCounts {
  readonly passed: number;
  /** Of devices only: octets of the packets that passed. */
  readonly octets: number;
  readonly faults: number;
  /** Only reasons that occurred. */
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
}

export interface EventCount {
  readonly name: string;
  readonly attributes: Attributes;
  readonly count: number;
}

/** Cumulative since the start of the process. */
export interface CountersSnapshot {
  /** By stage, then direction. */
  readonly stages: ReadonlyMap<string, Readonly<Record<Direction, StageCounts>>>;
  readonly events: readonly EventCount[];
}

const reasonIndex: ReadonlyMap<DropReason, number> = new Map(DROP_REASONS.map((reason, index) => [reason, index]));

class DirectionCounts {
  passed = 0;
  octets = 0;
  faults = 0;
  readonly dropped = new Float64Array(DROP_REASONS.length);

  snapshot(): StageCounts {
    const dropped: Partial<Record<DropReason, number>> = {};
    for (const [reason, index] of reasonIndex) {
      const count = this.dropped[index] ?? 0;
      if (count > 0) dropped[reason] = count;
    }
    return { passed: this.passed, octets: this.octets, faults: this.faults, dropped };
  }
}

/** Attribute values come partly from peers, so the number of series is bounded; one event cannot crowd out another. */
const MAX_SERIES_OF_EVENT = 64;
const MAX_EVENTS = 256;

class EventSeries {
  readonly name: string;
  private readonly counts = new Map<string, { readonly attributes: Attributes; count: number }>();

  constructor(name: string) {
    this.name = name;
  }

  add(attributes: Attributes): void {
    const key = JSON.stringify(Object.entries(attributes).sort());
    const found = this.counts.get(key);
    if (found !== undefined) found.count += 1;
    else if (this.counts.size < MAX_SERIES_OF_EVENT || Object.keys(attributes).length === 0)
      this.counts.set(key, { attributes, count: 1 });
    else this.add({});
  }

  snapshot(): readonly EventCount[] {
    return [...this.counts.values()].map(({ attributes, count }) => ({ name: this.name, attributes, count }));
  }
}

/** Counters in memory: called once per batch and stage, so an addition and two map look-ups each. */
export class Counters {
  readonly #stages = new Map<string, Record<Direction, DirectionCounts>>();
  readonly #events = new Map<string, EventSeries>();

  #of(stage: string, direction: Direction): DirectionCounts {
    let counts = this.#stages.get(stage);
    if (counts === undefined) {
      counts = { in: new DirectionCounts(), out: new DirectionCounts() };
      this.#stages.set(stage, counts);
    }
    return counts[direction];
  }

  packets(stage: string, direction: Direction, count: number, octets: number): void {
    const counts = this.#of(stage, direction);
    counts.passed += count;
    counts.octets += octets;
  }

  dropped(stage: string, direction: Direction, reason: DropReason, count: number): void {
    const { dropped } = this.#of(stage, direction);
    const index = reasonIndex.get(reason) ?? 0;
    dropped[index] = (dropped[index] ?? 0) + count;
  }

  /** Returns how many faults the stage has had in this direction. */
  fault(stage: string, direction: Direction): number {
    const counts = this.#of(stage, direction);
    counts.faults += 1;
    return counts.faults;
  }

  /** Once it has too many series, an event is counted without its attributes; more events than there are, not at all. */
  event(name: string, attributes: Attributes): void {
    let series = this.#events.get(name);
    if (series === undefined) {
      if (this.#events.size >= MAX_EVENTS) return;
      series = new EventSeries(name);
      this.#events.set(name, series);
    }
    series.add(attributes);
  }

  snapshot(): CountersSnapshot {
    return {
      stages: new Map(
        [...this.#stages].map(([stage, counts]) => [stage, { in: counts.in.snapshot(), out: counts.out.snapshot() }]),
      ),
      events: [...this.#events.values()].flatMap((series) => series.snapshot()),
    };
  }
}
