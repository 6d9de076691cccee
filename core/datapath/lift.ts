import { Observable, type OperatorFunction } from 'rxjs';
import type { Direction, DropReason } from '../outcome.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { PacketBatch } from './packet-batch.ts';
import type { ProbePoint } from './probe.ts';
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
  probes?: ProbePoint,
): void {
  const probe = probes?.watching;
  const began = probe === undefined ? undefined : probes?.now();
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
  if (probe !== undefined && probes !== undefined && began !== undefined) {
    probe.worked(batch, name, direction, began, probes.now());
  }
  if (batch.doomed > 0) blameSessions(batch, name, direction);
  batch.compact(dropped);
  if (batch.count > 0) telemetry.packets(name, direction, batch.count);
}

/** Each session knows what was dropped of it. */
export function blameSessions(batch: PacketBatch, stage: string, direction: Direction): void {
  for (let at = 0; at < batch.count; at += 1) {
    const index = batch.order[at] ?? 0;
    const fate = batch.fate(index);
    if (fate !== 'live' && fate !== 'held' && fate !== 'diverted') {
      batch.session[index]?.countDrop(stage, direction, fate);
    }
  }
}

/** A step and the name of its stage. */
export type NamedStep = readonly [name: string, step: BatchStep];

/**
 * The one bridge from stages to RxJS: these steps one after the other, as one operator, because each operator costs every
 * batch a chain of calls. An empty batch goes no further.
 */
export function liftAll(
  steps: readonly NamedStep[],
  direction: Direction,
  telemetry: Telemetry,
  probes?: ProbePoint,
): OperatorFunction<PacketBatch, PacketBatch> {
  const works = steps.map(([name, step]) => {
    const dropped = (reason: DropReason, count: number): void => telemetry.dropped(name, direction, reason, count);
    return (batch: PacketBatch): void => runStep(step, name, direction, batch, telemetry, dropped, probes);
  });
  return (source) =>
    new Observable((subscriber) =>
      source.subscribe({
        next(batch) {
          for (let at = 0; at < works.length && batch.count > 0; at += 1) works[at]?.(batch);
          if (batch.count > 0) subscriber.next(batch);
        },
        error: (cause) => subscriber.error(cause),
        complete: () => subscriber.complete(),
      }),
    );
}

/** As `liftAll`, of one step. */
export function lift(
  step: BatchStep,
  name: string,
  direction: Direction,
  telemetry: Telemetry,
  probes?: ProbePoint,
): OperatorFunction<PacketBatch, PacketBatch> {
  return liftAll([[name, step]], direction, telemetry, probes);
}
