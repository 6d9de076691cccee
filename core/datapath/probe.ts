import type { Direction, DropReason } from '../outcome.ts';
import type { Instant } from '../time.ts';
import type { PacketBatch } from './packet-batch.ts';

/**
 * Looks at packets on their way, for packet traces and captures. A probe changes nothing of a batch and keeps nothing of
 * it after return. One that throws is taken out.
 */
export interface PipelineProbe {
  readonly name: string;
  /** True: the rest of the way of this batch does not matter to it. Asked before each stage; false again with the next. */
  readonly idle?: boolean;
  /** A batch came from its device, before the first stage. */
  entering(batch: PacketBatch, direction: Direction): void;
  /** Packets that a stage kept or made come in right after that stage. */
  joining(batch: PacketBatch, stage: string, direction: Direction): void;
  /** `stage` has worked: what it dropped is still in the order, with its verdict (`PacketBatch.fate`). */
  worked(batch: PacketBatch, stage: string, direction: Direction, began: Instant, ended: Instant): void;
  /**
   * A device has taken the first `accepted` packets of the order, and no more. Of those it may have refused some, which
   * it dropped (`dropAtDevice`).
   */
  leaving(batch: PacketBatch, device: string, direction: Direction, accepted: number): void;
}

/** Why the device did not send the packet at `position` of the order; undefined when it did. For `leaving`. */
export const dropAtDevice = (batch: PacketBatch, position: number, accepted: number): DropReason | undefined => {
  const fate = batch.fate(batch.order[position] ?? 0);
  if (fate !== 'live' && fate !== 'diverted' && fate !== 'held') return fate;
  return position < accepted ? undefined : 'device-refused';
};

/** What the pipeline asks: undefined most of the time, and then nothing more is done. */
export interface ProbePoint {
  /** For batches that come in. */
  readonly active: PipelineProbe | undefined;
  /** For batches under way: undefined also while every probe is idle. */
  readonly watching: PipelineProbe | undefined;
  now(): Instant;
}

/** The probes in use. With none, a batch pays one comparison at each stage. */
export class Probes implements ProbePoint {
  active: PipelineProbe | undefined;
  /** Replaced, never changed: a probe may take itself out while all are called. */
  private probes: readonly PipelineProbe[] = [];
  private readonly clock: { now(): Instant };
  private readonly failed: (name: string, cause: unknown) => void;

  /** `failed` is told of a probe that threw: a bug in it. */
  constructor(clock: { now(): Instant }, failed: (name: string, cause: unknown) => void) {
    this.clock = clock;
    this.failed = failed;
  }

  get watching(): PipelineProbe | undefined {
    if (this.active === undefined) return undefined;
    for (const probe of this.probes) if (probe.idle !== true) return this.all;
    return undefined;
  }

  now(): Instant {
    return this.clock.now();
  }

  /** The result takes the probe out again. */
  add(probe: PipelineProbe): () => void {
    this.probes = [...this.probes, probe];
    this.active = this.all;
    return () => this.remove(probe);
  }

  private readonly all: PipelineProbe = {
    name: 'probes',
    entering: (batch, direction) => this.each((probe) => probe.entering(batch, direction)),
    joining: (batch, stage, direction) => this.each((probe) => probe.joining(batch, stage, direction)),
    worked: (batch, stage, direction, began, ended) =>
      this.each((probe) => probe.worked(batch, stage, direction, began, ended)),
    leaving: (batch, device, direction, accepted) =>
      this.each((probe) => probe.leaving(batch, device, direction, accepted)),
  };

  private each(look: (probe: PipelineProbe) => void): void {
    for (const probe of this.probes) {
      try {
        look(probe);
      } catch (cause) {
        this.remove(probe);
        this.failed(probe.name, cause);
      }
    }
  }

  private remove(probe: PipelineProbe): void {
    this.probes = this.probes.filter((one) => one !== probe);
    if (this.probes.length === 0) this.active = undefined;
  }
}
