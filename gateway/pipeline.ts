import { filter, merge, type Observable, Subject, Subscription, takeUntil, tap } from 'rxjs';
import { blameSessions, liftAll, type NamedStep } from '../core/datapath/lift.ts';
import type { PacketBatch } from '../core/datapath/packet-batch.ts';
import type { ProbePoint } from '../core/datapath/probe.ts';
import { STAGE_SLOT, type Stage } from '../core/datapath/stage.ts';
import { GatewayError } from '../core/errors.ts';
import type { Direction } from '../core/outcome.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { GreSocket, PacketIo, TunDevice } from '../core/ports/packet-io.ts';
import type { Telemetry } from '../core/ports/telemetry.ts';

/** The devices at the two ends, as metrics name them. */
const GRE = 'gre-socket';
const TUN = 'tun';

/** Octets of the first `count` packets of the order that are alive. */
const octetsOf = (batch: PacketBatch, count: number): number => {
  let octets = 0;
  for (let at = 0; at < count; at += 1) {
    const index = batch.order[at] ?? 0;
    if (batch.isLive(index)) octets += batch.length[index] ?? 0;
  }
  return octets;
};

/** The steps of a direction in their order, cut behind each one that lets packets in. */
const legsOf = (stages: readonly Stage[], direction: Direction): readonly (readonly NamedStep[])[] => {
  const legs: NamedStep[][] = [];
  let leg: NamedStep[] | undefined;
  for (const { name, inbound, outbound } of stages) {
    const step = direction === 'in' ? inbound : outbound;
    if (step === undefined) continue;
    if (leg === undefined) {
      leg = [];
      legs.push(leg);
    }
    leg.push([name, step]);
    if (step.released$ !== undefined) leg = undefined;
  }
  return legs;
};

/**
 * The packet's way, one stream per direction for all tunnels:
 *
 *   in:   GRE socket → GRE decode → Call-ID demux → sequence → PPP decode → MPPE decrypt → (decompress) → (IPsec hook)
 *         → MSS clamp → source guard → TUN
 *   out:  TUN → route lookup → MSS clamp → (IPsec hook) → (compress) → MPPE encrypt → PPP encode → GRE encode → GRE socket
 *
 * Stages come sorted by slot; inbound runs upwards, outbound is its mirror. What stages release later (reordering,
 * control frames, acknowledgments) is merged in right after their step.
 */
export class Pipeline {
  private readonly stop$ = new Subject<void>();
  private readonly subscriptions = new Subscription();
  private readonly gre: GreSocket;
  private readonly tun: TunDevice;
  private readonly stages: readonly Stage[];
  private readonly clock: Clock;
  private readonly telemetry: Telemetry;
  private readonly probes: ProbePoint;

  constructor(
    gre: GreSocket,
    tun: TunDevice,
    stages: readonly Stage[],
    clock: Clock,
    telemetry: Telemetry,
    probes: ProbePoint,
  ) {
    this.gre = gre;
    this.tun = tun;
    this.stages = stages;
    this.clock = clock;
    this.telemetry = telemetry;
    this.probes = probes;
  }

  /** `died` is called when a device fails for good: its name and the cause. */
  start(died: (device: string, cause: unknown) => void): void {
    const inbound$ = this.weave('in', this.gre.batches$, GRE, this.stages);
    const outbound$ = this.weave('out', this.tun.batches$, TUN, this.stages.toReversed());
    this.run(inbound$, this.tun, TUN, 'in', (cause) => died(this.gre.name, cause));
    this.run(outbound$, this.gre, GRE, 'out', (cause) => died(this.tun.name, cause));
  }

  stop(): void {
    this.stop$.next();
    this.subscriptions.unsubscribe();
  }

  private weave(
    direction: Direction,
    source$: Observable<PacketBatch>,
    name: string,
    stages: readonly Stage[],
  ): Observable<PacketBatch> {
    const stamped$ = source$.pipe(
      tap((batch) => {
        batch.now = this.clock.now();
        this.probes.active?.entering(batch, direction);
        if (batch.count > 0) this.telemetry.packets(name, direction, batch.count, octetsOf(batch, batch.count));
      }),
    );
    return legsOf(stages, direction).reduce<Observable<PacketBatch>>((stream$, leg) => {
      const lifted$ = stream$.pipe(liftAll(leg, direction, this.telemetry, this.probes));
      const [name, last] = leg.at(-1) ?? [];
      if (name === undefined || last?.released$ === undefined) return lifted$;
      const joining$ = last.released$.pipe(
        tap((batch) => {
          this.probes.active?.joining(batch, name, direction);
          if (batch.count > 0) this.telemetry.packets(name, direction, batch.count);
        }),
      );
      return merge(lifted$, joining$);
    }, stamped$);
  }

  private run(
    stream$: Observable<PacketBatch>,
    sink: PacketIo,
    name: string,
    direction: Direction,
    died: (cause: unknown) => void,
  ): void {
    const written$ = stream$.pipe(
      filter((batch) => batch.count > 0),
      takeUntil(this.stop$),
    );
    this.subscriptions.add(
      written$.subscribe({
        next: (batch) => {
          const accepted = sink.write(batch);
          this.probes.watching?.leaving(batch, name, direction, accepted);
          if (batch.doomed > 0) blameSessions(batch, name, direction);
          // What the device refused of them it has counted itself.
          const taken = accepted - batch.doomed;
          if (taken > 0) this.telemetry.packets(name, direction, taken, octetsOf(batch, accepted));
          if (accepted < batch.count) this.telemetry.dropped(name, direction, 'device-refused', batch.count - accepted);
        },
        error: died,
      }),
    );
  }
}

const EXCLUSIVE: ReadonlySet<number> = new Set(Object.values(STAGE_SLOT));

/** Stages by slot, then name; two stages in one built-in slot are a configuration mistake. */
export function orderStages(stages: readonly Stage[]): readonly Stage[] {
  const sorted = stages.toSorted((a, b) => a.slot - b.slot || (a.name < b.name ? -1 : 1));
  for (let i = 1; i < sorted.length; i += 1) {
    const before = sorted[i - 1];
    const stage = sorted[i];
    if (before !== undefined && stage !== undefined && before.slot === stage.slot && EXCLUSIVE.has(stage.slot)) {
      throw new GatewayError(
        'STAGE_CONFLICT',
        `stages "${before.name}" and "${stage.name}" both want slot ${stage.slot}: give one of them another slot, or leave its plug-in out of PPTP_PLUGINS`,
      );
    }
  }
  return sorted;
}
