import { filter, merge, Observable, type OperatorFunction, tap } from 'rxjs';
import type { PacketBatch } from '../../../core/datapath/packet-batch.ts';
import type { BatchStep, Stage } from '../../../core/datapath/stage.ts';
import type { Direction, DropReason } from '../../../core/outcome.ts';
import type { Telemetry } from '../../../core/ports/telemetry.ts';
import type { Instant } from '../../../core/time.ts';

// The pipeline as it would be if nobody could look at packets: gateway/pipeline.ts and core/datapath/lift.ts once more,
// without their probe points. The benchmark compares the two; whoever changes those changes this.

const octetsOf = (batch: PacketBatch, count: number): number => {
  let octets = 0;
  for (let at = 0; at < count; at += 1) octets += batch.length[batch.order[at] ?? 0] ?? 0;
  return octets;
};

const blameSessions = (batch: PacketBatch, stage: string, direction: Direction): void => {
  for (let at = 0; at < batch.count; at += 1) {
    const index = batch.order[at] ?? 0;
    const fate = batch.fate(index);
    if (fate !== 'live' && fate !== 'held' && fate !== 'diverted') {
      batch.session[index]?.countDrop(stage, direction, fate);
    }
  }
};

const runStep = (
  step: BatchStep,
  name: string,
  direction: Direction,
  batch: PacketBatch,
  telemetry: Telemetry,
  dropped: (reason: DropReason, count: number) => void,
): void => {
  let from = 0;
  while (from < batch.count) {
    batch.cursor = from;
    try {
      step.process(batch, from);
      break;
    } catch (cause) {
      const blamed = Math.max(from, Math.min(batch.cursor, batch.count - 1));
      batch.drop(batch.order[blamed] ?? 0, 'stage-fault');
      telemetry.fault(name, direction, cause);
      from = blamed + 1;
    }
  }
  if (batch.doomed > 0) blameSessions(batch, name, direction);
  batch.compact(dropped);
  if (batch.count > 0) telemetry.packets(name, direction, batch.count);
};

const lift = (
  step: BatchStep,
  name: string,
  direction: Direction,
  telemetry: Telemetry,
): OperatorFunction<PacketBatch, PacketBatch> => {
  const dropped = (reason: DropReason, count: number): void => telemetry.dropped(name, direction, reason, count);
  return (source) =>
    new Observable((subscriber) =>
      source.subscribe({
        next(batch) {
          runStep(step, name, direction, batch, telemetry, dropped);
          if (batch.count > 0) subscriber.next(batch);
        },
        error: (cause) => subscriber.error(cause),
        complete: () => subscriber.complete(),
      }),
    );
};

/** One direction: from the device to what the other device takes. */
export const runBare = (
  direction: Direction,
  source: { readonly name: string; readonly batches$: Observable<PacketBatch> },
  stages: readonly Stage[],
  sink: { readonly name: string; write(batch: PacketBatch): number },
  clock: { now(): Instant },
  telemetry: Telemetry,
): void => {
  const stamped$ = source.batches$.pipe(
    tap((batch) => {
      batch.now = clock.now();
      if (batch.count > 0) telemetry.packets(source.name, direction, batch.count, octetsOf(batch, batch.count));
    }),
  );
  stages
    .reduce<Observable<PacketBatch>>((stream$, stage) => {
      const step = direction === 'in' ? stage.inbound : stage.outbound;
      if (step === undefined) return stream$;
      const lifted$ = stream$.pipe(lift(step, stage.name, direction, telemetry));
      return step.released$ === undefined ? lifted$ : merge(lifted$, step.released$);
    }, stamped$)
    .pipe(filter((batch) => batch.count > 0))
    .subscribe((batch) => {
      const accepted = sink.write(batch);
      if (accepted > 0) telemetry.packets(sink.name, direction, accepted, octetsOf(batch, accepted));
      if (accepted < batch.count) {
        telemetry.dropped(sink.name, direction, 'device-refused', batch.count - accepted);
      }
    });
};
