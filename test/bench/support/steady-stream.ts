import { BatchSource } from '../../../core/datapath/batch-source.ts';
import { PacketBatch } from '../../../core/datapath/packet-batch.ts';
import { Probes } from '../../../core/datapath/probe.ts';
import type { Stage } from '../../../core/datapath/stage.ts';
import type { Direction } from '../../../core/outcome.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import { type Instant, instant } from '../../../core/time.ts';
import { Pipeline } from '../../../gateway/pipeline.ts';
import { OpenTelemetryTelemetry } from '../../../observability/telemetry.ts';
import { CLIENT, carry, fill, GATEWAY, makeEnds, packetDown, packetUp } from './tunnel-end.ts';

const BATCH = 64;

/** A device whose batches come when we say so; what it is given to write goes to `taken`. */
class Device {
  readonly source = new BatchSource();
  readonly batches$ = this.source.batches$;
  readonly name: string;
  readonly driver = 'bench';
  readonly interfaceName = 'bench';
  packets = 0;
  taken: ((batch: PacketBatch) => void) | undefined;

  constructor(name: string) {
    this.name = name;
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  write(batch: PacketBatch): number {
    this.packets += batch.count;
    this.taken?.(batch);
    return batch.count;
  }
}

/** Time that moves by itself, and never by a whole number: as the real one, it is a fraction. */
const tickingClock = (): Clock => {
  let now = 1.25;
  return {
    now: (): Instant => {
      now += 0.125;
      return instant(now);
    },
    schedule: () => () => undefined,
  };
};

const makePipeline = (stages: readonly Stage[]): { readonly gre: Device; readonly tun: Device } => {
  const [gre, tun, clock] = [new Device('gre-socket'), new Device('tun'), tickingClock()];
  new Pipeline(gre, tun, stages, clock, new OpenTelemetryTelemetry(), new Probes(clock, () => undefined)).start(
    (device, cause) => {
      throw new Error(`${device} died`, { cause });
    },
  );
  return { gre, tun };
};

/**
 * The pipeline of a gateway with one tunnel, between devices in memory: batches are made beforehand, so that nothing but
 * the pipeline works while they go through.
 */
export class SteadyStream {
  private readonly gateway;
  private readonly client;
  private readonly batches: readonly PacketBatch[];
  private readonly spare = new PacketBatch(2 * BATCH);
  private readonly packets;

  /** `count` batches of 64 packets of `size` octets at a time. */
  constructor(count: number, size: number) {
    const ends = makeEnds();
    this.gateway = makePipeline(ends.gateway);
    this.client = makePipeline(ends.client);
    this.batches = Array.from({ length: count }, () => new PacketBatch(2 * BATCH));
    this.packets = { in: packetUp(size), out: packetDown(size) };
  }

  /** Packets that one `deliver` takes through. */
  get size(): number {
    return this.batches.length * BATCH;
  }

  prepare(direction: Direction): void {
    for (const batch of this.batches) {
      if (direction === 'out') {
        fill(batch, this.packets.out, BATCH);
      } else {
        this.client.gre.taken = (sent) => carry(sent, batch, CLIENT, GATEWAY);
        fill(this.spare, this.packets.in, BATCH);
        this.client.tun.source.next(this.spare);
      }
    }
  }

  deliver(direction: Direction): void {
    const { source } = direction === 'in' ? this.gateway.gre : this.gateway.tun;
    for (let at = 0; at < this.batches.length; at += 1) {
      const batch = this.batches[at];
      if (batch !== undefined) source.next(batch);
    }
  }

  /** Packets that came out so far. */
  arrived(direction: Direction): number {
    return (direction === 'in' ? this.gateway.tun : this.gateway.gre).packets;
  }
}
