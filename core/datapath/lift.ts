import { Observable, type OperatorFunction } from 'rxjs';
import type { Direction, DropReason } from '../outcome.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { PacketBatch } from './packet-batch.ts';
import type { BatchStep } from './stage.ts';

/**
 * Runs one step over a batch: the one try/catch of the data path, and the one place where drops are counted. A step that
 * throws costs the packet it was working on; the step goes on with the next.
 */
export function runStep(
  step: BatchStep,
  name: string,
  direction: Direction,
  batch: PacketBatch,
  telemetry: Telemetry,
  dropped: (reason: DropReason, count: number) => void,
): void {
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
  batch.compact(dropped);
  if (batch.count > 0) telemetry.packets(name, direction, batch.count);
}

/** The one bridge from stages to RxJS. An empty batch goes no further. */
export function lift(
  step: BatchStep,
  name: string,
  direction: Direction,
  telemetry: Telemetry,
): OperatorFunction<PacketBatch, PacketBatch> {
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
}
