import type { PacketBatch } from '../../core/datapath/packet-batch.ts';
import { PacketFilter } from '../../core/datapath/packet-filter.ts';
import type { FilterList } from '../../core/datapath/packet-filter-rules.ts';
import type { Session } from '../../core/datapath/session.ts';
import { SESSION_USAGE } from '../../core/datapath/session-usage.ts';
import { type ShapeSettings, setShape } from '../../core/datapath/shape.ts';
import { TrafficCountStage } from '../../core/datapath/stages/traffic-count.stage.ts';
import { TrafficGateStage } from '../../core/datapath/stages/traffic-gate.stage.ts';
import type { Direction, DropReason } from '../../core/outcome.ts';
import { TrafficRelease } from '../../gateway/traffic-release.ts';
import { batchOf, livePackets, openSession, run } from './batches.ts';
import { FakeClock } from './fake-clock.ts';

/** Both gates and the counter with what lets packets go, around one session, in virtual time. */
export class TrafficRig {
  readonly clock = new FakeClock(0);
  readonly told: string[] = [];
  /** What came out, in order, and when. */
  readonly passed: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  readonly drops: Partial<Record<DropReason, number>> = {};
  readonly session: Session;
  private readonly gates: Readonly<Record<Direction, TrafficGateStage>>;
  private readonly counter: TrafficCountStage;

  constructor() {
    const events = { onQuotaReached: (session: Session) => void this.told.push(session.id) };
    const gate = (direction: Direction): TrafficGateStage => {
      const waits = new TrafficRelease(this.clock);
      const stage = new TrafficGateStage(direction, { events, waits, released$: waits.released$ });
      waits.attach(stage);
      waits.released$.subscribe((batch) => this.leave(direction, batch));
      return stage;
    };
    this.gates = { in: gate('in'), out: gate('out') };
    this.counter = new TrafficCountStage(events);
    this.session = openSession([this.gates.in, this.gates.out, this.counter]);
  }

  shape(settings: ShapeSettings): void {
    setShape(this.session, settings, this.clock.now());
  }

  send(direction: Direction, packets: readonly Uint8Array[], protocol = 0x0021): void {
    const batch = batchOf(packets, { session: this.session, now: this.clock.now(), protocol });
    const gate = this.gates[direction];
    this.add(run(direction === 'in' ? gate.inbound : gate.outbound, batch, direction));
    this.leave(direction, batch);
  }

  get usage() {
    const { octetsIn, octetsOut, packetsIn, packetsOut } = this.session.get(SESSION_USAGE) ?? {};
    return { octetsIn, octetsOut, packetsIn, packetsOut };
  }

  close(): void {
    for (const gate of Object.values(this.gates)) gate.close(this.session);
  }

  private leave(direction: Direction, batch: PacketBatch): void {
    if (direction === 'out' && batch.count > 0) this.add(run(this.counter.outbound, batch, direction));
    for (const bytes of livePackets(batch)) this.passed.push({ at: this.clock.now(), bytes });
  }

  private add(drops: Partial<Record<DropReason, number>>): void {
    for (const reason of Object.keys(drops) as DropReason[]) {
      this.drops[reason] = (this.drops[reason] ?? 0) + (drops[reason] ?? 0);
    }
  }
}

export const filterOf = (list: FilterList): PacketFilter => new PacketFilter('test', list);
