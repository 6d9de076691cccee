import { type Direction, DROP_REASONS, type DropReason } from '../core/outcome.ts';
import type { Attributes } from '../core/ports/telemetry.ts';

export interface StageCounts {
  readonly passed: number;
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
  faults = 0;
  readonly dropped = new Float64Array(DROP_REASONS.length);

  snapshot(): StageCounts {
    const dropped: Partial<Record<DropReason, number>> = {};
    for (const [reason, index] of reasonIndex) {
      const count = this.dropped[index] ?? 0;
      if (count > 0) dropped[reason] = count;
    }
    return { passed: this.passed, faults: this.faults, dropped };
  }
}

/** Attribute values come partly from peers, so the number of series is bounded. */
const MAX_SERIES = 256;

/** Counters in memory: called once per batch and stage, so an addition and two map look-ups each. */
export class Counters {
  readonly #stages = new Map<string, Record<Direction, DirectionCounts>>();
  readonly #events = new Map<string, { name: string; attributes: Attributes; count: number }>();

  #of(stage: string, direction: Direction): DirectionCounts {
    let counts = this.#stages.get(stage);
    if (counts === undefined) {
      counts = { in: new DirectionCounts(), out: new DirectionCounts() };
      this.#stages.set(stage, counts);
    }
    return counts[direction];
  }

  packets(stage: string, direction: Direction, count: number): void {
    this.#of(stage, direction).passed += count;
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

  /** Once there are too many series, an event is counted without its attributes. */
  event(name: string, attributes: Attributes): void {
    const series = JSON.stringify([name, Object.entries(attributes).sort()]);
    const found = this.#events.get(series);
    if (found !== undefined) found.count += 1;
    else if (this.#events.size < MAX_SERIES || Object.keys(attributes).length === 0)
      this.#events.set(series, { name, attributes, count: 1 });
    else this.event(name, {});
  }

  snapshot(): CountersSnapshot {
    return {
      stages: new Map(
        [...this.#stages].map(([stage, counts]) => [stage, { in: counts.in.snapshot(), out: counts.out.snapshot() }]),
      ),
      events: [...this.#events.values()].map((event) => ({ ...event })),
    };
  }
}
