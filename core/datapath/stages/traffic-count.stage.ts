import type { PacketBatch } from '../packet-batch.ts';
import type { Session } from '../session.ts';
import { SESSION_USAGE, type UsageCounters } from '../session-usage.ts';
import { SESSION_SHAPE, type SessionShape, type TrafficEvents } from '../shape.ts';
import type { BatchStep, Stage } from '../stage.ts';
import { isUsedUp, tellOnce } from './traffic-quota.ts';

/**
 * Behind everything that may drop or cut an outbound packet (filter, rate, the peer's MRU, IPsec policy) and before what
 * changes its size for the tunnel: what is counted here is what the peer gets.
 */
const COUNT_SLOT = 650;

/** Counts what goes into the tunnel; `TrafficGateStage` counts what comes out of it. */
export class TrafficCountStage implements Stage {
  readonly name = 'traffic-count';
  readonly slot = COUNT_SLOT;
  readonly outbound: BatchStep = { process: (batch, from) => this.process(batch, from) };
  private readonly events: TrafficEvents;

  constructor(events: TrafficEvents) {
    this.events = events;
  }

  private process(batch: PacketBatch, from: number): void {
    let session: Session | undefined;
    let usage: UsageCounters | undefined;
    let shape: SessionShape | undefined;
    for (let at = from; at < batch.count; at += 1) {
      batch.cursor = at;
      const index = batch.order[at] ?? 0;
      const its = batch.session[index];
      if (its !== session) {
        session = its;
        usage = its?.get(SESSION_USAGE);
        shape = its?.get(SESSION_SHAPE);
      }
      if (session === undefined || usage === undefined) continue;
      usage.packetsOut += 1;
      usage.octetsOut += batch.length[index] ?? 0;
      if (shape !== undefined && isUsedUp(shape, usage)) tellOnce(session, shape, this.events);
    }
  }
}
