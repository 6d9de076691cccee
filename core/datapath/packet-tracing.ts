import { type Direction, DROP_REASONS } from '../outcome.ts';
import type { Instant } from '../time.ts';
import { BatchJourney } from './batch-journey.ts';
import type { PacketBatch } from './packet-batch.ts';
import { type PacketQueueName, QueuedNames, queueOf, reorderName, WaitingRoom } from './packet-queues.ts';
import { ActiveRule, PacketLimit, type PacketRule, type PacketRuleView } from './packet-rules.ts';
import {
  type PacketOutcome,
  type PacketSource,
  type PacketStep,
  type PacketTrace,
  TracedPacket,
} from './packet-trace.ts';
import { dropAtDevice, type PipelineProbe, type Probes } from './probe.ts';

export interface PacketTracingOptions {
  /** Most packets traced in one second, over all rules. */
  readonly perSecond: number;
  /** Random numbers from 0 to below 1. */
  readonly uniform: () => number;
  /** Stages to leave out: they do nothing to packets that pass them. */
  readonly entrances?: ReadonlySet<string>;
}

export interface RuleHandle {
  readonly id: string;
  /** As `PacketTracing.remove`. */
  remove(): boolean;
}

/** Since the start of the process. */
export interface PacketTracingCounts {
  readonly traced: number;
  /** Chosen by a rule, and not traced because too many were in that second. */
  readonly suppressed: number;
}

/** A rule costs every batch something. */
export const MOST_PACKET_RULES = 16;
/** Packets in queues that are followed at a time. */
const MOST_WAITING = 1024;
/** Longer than packets wait; sessions end with packets in their queues. */
const LONGEST_WAIT_MS = 60_000;

interface Drawn {
  readonly rule: ActiveRule;
  readonly index: number;
}

const isDrop = (outcome: PacketOutcome): boolean => DROP_REASONS.some((reason) => reason === outcome);

/**
 * Packet traces: follows chosen packets through the stages, both ways, and hands the way of each to `told` when it ends.
 *
 * A packet is chosen once. Rules about all packets choose when the batch comes in, by place: that is one comparison per
 * batch, and a batch in which nothing is chosen costs nothing more. Rules about a user or a tunnel choose right after the
 * stage that found the session, which is one comparison per packet. What went before is kept for the batch and not for
 * packets. Rules for dropped packets choose when a packet is dropped. Without rules the probe is not there.
 */
export class PacketTracing {
  private readonly probes: Probes;
  private readonly told: (trace: PacketTrace) => void;
  private readonly limit: PacketLimit;
  private readonly uniform: () => number;
  private readonly entrances: ReadonlySet<string>;
  private readonly journey = new BatchJourney();
  private readonly waiting = new WaitingRoom<TracedPacket>(MOST_WAITING, LONGEST_WAIT_MS);
  private rulesForAll: readonly ActiveRule[] = [];
  private rulesForDrops: readonly ActiveRule[] = [];
  /** One of `rulesForAll` asks for a user or a tunnel. */
  private needsSession = false;
  /** When the first rule with an end has it. */
  private firstEnd: number = Number.POSITIVE_INFINITY;
  /** Chosen by their places in the batch under way, before there were sessions. */
  private drawn: Drawn[] = [];
  /** Followed in the batch under way. */
  private packets: TracedPacket[] = [];
  /** The rules have looked at the batch under way. */
  private decided = false;
  private removeProbe: (() => void) | undefined;
  private nextId = 1;
  private traced = 0;
  private suppressed = 0;
  private suppressedTold = 0;

  constructor(probes: Probes, told: (trace: PacketTrace) => void, options: PacketTracingOptions) {
    this.probes = probes;
    this.told = told;
    this.limit = new PacketLimit(options.perSecond);
    this.uniform = options.uniform;
    this.entrances = options.entrances ?? new Set();
  }

  /** Undefined when there are `MOST_PACKET_RULES`. `number`: of a rule that is in force in several processes. */
  addRule(rule: PacketRule, number = this.nextId): RuleHandle | undefined {
    if (this.rules().length >= MOST_PACKET_RULES) return undefined;
    const id = String(number);
    this.nextId = Math.max(this.nextId, number) + 1;
    const active = new ActiveRule(id, rule, this.uniform, this.probes.now());
    if (rule.dropsOnly === true) this.rulesForDrops = [...this.rulesForDrops, active];
    else this.rulesForAll = [...this.rulesForAll, active];
    this.rulesChanged();
    // Again, in case a bug has cost us our place.
    this.removeProbe?.();
    this.removeProbe = this.probes.add(this.probe);
    return { id, remove: () => this.remove(id) };
  }

  /** Packets chosen so far are followed to their end. False when there is no such rule (any more). */
  remove(id: string): boolean {
    const rule = [...this.rulesForAll, ...this.rulesForDrops].find((one) => one.id === id);
    if (rule !== undefined) this.retire(rule);
    this.rest();
    return rule !== undefined;
  }

  /** The rules in force, oldest first. */
  rules(): readonly PacketRuleView[] {
    const now = this.probes.now();
    this.retireEnded(now);
    return [...this.rulesForAll, ...this.rulesForDrops]
      .toSorted((a, b) => Number(a.id) - Number(b.id))
      .map((rule) => rule.view(now));
  }

  counts(): PacketTracingCounts {
    return { traced: this.traced, suppressed: this.suppressed };
  }

  private readonly probe: PipelineProbe & { idle: boolean } = {
    name: 'packet-tracing',
    /** Of most batches nothing is chosen, and then nothing more is to be seen. */
    idle: false,
    entering: (batch, direction) => this.enter(batch, direction),
    joining: (batch, stage, direction) => this.join(batch, stage, direction),
    worked: (batch, stage, direction, began, ended) => this.worked(batch, stage, direction, began, ended),
    leaving: (batch, device, _direction, accepted) => this.leave(batch, device, accepted),
  };

  private enter(batch: PacketBatch, direction: Direction): void {
    this.begin(batch);
    this.draw(batch);
    if (this.drawn.length > 0 || this.looksAtAll()) this.journey.start(batch, direction);
    else this.ignore();
  }

  /** A batch comes in. */
  private begin(batch: PacketBatch): void {
    if (batch.now >= this.firstEnd) this.retireEnded(batch.now);
    for (const packet of this.waiting.takeOlder(batch.now)) this.tell(packet, () => packet.steps, 'held', batch.now);
    // Something is left only of a batch that never came to its end: the pipeline was stopped.
    if (this.packets.length > 0) this.packets = [];
    if (this.drawn.length > 0) this.drawn = [];
    this.decided = false;
    this.probe.idle = false;
  }

  private join(batch: PacketBatch, stage: string, direction: Direction): void {
    this.begin(batch);
    const queue = queueOf(stage, direction);
    if (queue === undefined) this.draw(batch);
    if (this.drawn.length === 0 && !this.looksAtAll()) {
      this.ignore();
      return;
    }
    this.journey.start(batch, direction);
    if (queue !== undefined) {
      this.decided = true;
      const names = new QueuedNames(queue, batch, 'released');
      for (let at = 0; at < batch.count && this.waiting.size > 0; at += 1) {
        const index = batch.order[at] ?? 0;
        this.wake(index, names.of(index), { queue, stage, ended: batch.now });
      }
      this.rest();
      return;
    }
    const began = batch.waitingSince ?? batch.now;
    const wait: PacketStep = { kind: 'queue', queue: 'outbox', stage, began, ended: batch.now };
    this.decide(batch, { direction, origin: stage, began, earlier: [wait] });
    this.rest();
  }

  /** Whether batches are to be followed in which no rule about all packets has chosen one. */
  private looksAtAll(): boolean {
    return this.needsSession || this.rulesForDrops.length > 0 || this.waiting.size > 0;
  }

  /** Nothing of the batch that has come in is of interest. */
  private ignore(): void {
    this.decided = true;
    this.journey.batch = undefined;
    this.rest();
  }

  private worked(batch: PacketBatch, stage: string, direction: Direction, began: Instant, ended: Instant): void {
    const { journey } = this;
    if (this.probe.idle || journey.batch !== batch || this.entrances.has(stage)) return;
    const takenBefore = journey.taken;
    journey.add(batch, stage, began, ended);
    if (this.rulesForDrops.length > 0) this.addFallen(batch, stage, direction);
    if (this.packets.length > 0) this.follow(batch, stage, direction, ended);
    const hasMore = batch.taken > takenBefore && (this.packets.length > 0 || this.waiting.size > 0);
    if (hasMore) this.receive(batch, stage, direction, takenBefore, ended);
    if (!this.decided && isAtSession(batch)) this.decide(batch, this.source());
    this.rest();
  }

  private leave(batch: PacketBatch, device: string, accepted: number): void {
    const { journey } = this;
    if (this.probe.idle || journey.batch !== batch) return;
    if (this.rulesForDrops.length > 0) {
      for (let at = 0; at < batch.count; at += 1) {
        if (dropAtDevice(batch, at, accepted) !== undefined) this.addIfNew(batch, batch.order[at] ?? 0);
      }
    }
    if (this.packets.length > 0) {
      const began = journey.lastEnded();
      const ended = this.probes.now();
      for (const packet of this.packets) {
        packet.note(batch, device);
        const refusal = dropAtDevice(batch, batch.order.indexOf(packet.index), accepted);
        const octetsIn = batch.length[packet.index] ?? 0;
        const work = { began, ended, packets: batch.count, octetsIn, octetsOut: refusal === undefined ? octetsIn : 0 };
        const steps = (): PacketStep[] => [...packet.stepsIn(journey), { kind: 'device', stage: device, ...work }];
        this.tell(packet, steps, refusal ?? 'delivered', batch.now);
      }
      this.packets = [];
    }
    journey.batch = undefined;
    this.rest();
  }

  private source(): PacketSource {
    return { direction: this.journey.direction, origin: undefined, began: this.journey.began, earlier: [] };
  }

  /**
   * Rules about all packets choose, each packet with the same chance wherever it is. Those that get no session, or are
   * dropped before they have one, are chosen in vain.
   */
  private draw({ order, count }: PacketBatch): void {
    for (const rule of this.rulesForAll) {
      if (!rule.isGeneral) continue;
      let at = 0;
      for (let gap = rule.passesOver(count); gap >= 0; gap = rule.passesOver(count - at)) {
        at += gap + 1;
        this.drawn.push({ rule, index: order[at - 1] ?? 0 });
      }
    }
  }

  /** Packets have sessions: the choice becomes final. */
  private decide(batch: PacketBatch, source: PacketSource): void {
    this.decided = true;
    const { drawn } = this;
    const { order, count } = batch;
    for (const rule of this.rulesForAll) {
      if (rule.isGeneral) {
        for (const { rule: by, index } of drawn) if (by === rule) this.choose(rule, batch, index, source);
        continue;
      }
      for (let at = 0; at < count; at += 1) {
        const index = order[at] ?? 0;
        if (rule.matches(batch.session[index]) && rule.chooses()) this.choose(rule, batch, index, source);
      }
    }
  }

  private choose(rule: ActiveRule, batch: PacketBatch, index: number, source: PacketSource): void {
    if (rule.isUsedUp || batch.session[index] === undefined || !batch.isLive(index)) return;
    if (this.isFollowed(index) || !this.mayTrace(rule, batch.now)) return;
    const packet = new TracedPacket(rule, batch.session[index], index, source);
    packet.note(batch, '');
    this.packets.push(packet);
  }

  /** Counts the packet for the rule, one way or the other. */
  private mayTrace(rule: ActiveRule, now: Instant): boolean {
    if (!this.limit.allows(now)) {
      rule.suppressed += 1;
      this.suppressed += 1;
      return false;
    }
    rule.traced += 1;
    this.traced += 1;
    if (rule.isUsedUp) this.retire(rule);
    return true;
  }

  private isFollowed(index: number): boolean {
    return this.packets.some((packet) => packet.index === index);
  }

  /** Rules for drops: follows what the stage has just dropped, and what it keeps, which may be dropped later. */
  private addFallen(batch: PacketBatch, stage: string, direction: Direction): void {
    if (batch.doomed === 0 && queueOf(stage, direction) === undefined) return;
    for (let at = 0; at < batch.count; at += 1) {
      const index = batch.order[at] ?? 0;
      const fate = batch.fate(index);
      if (fate !== 'live' && fate !== 'diverted') this.addIfNew(batch, index);
    }
  }

  private addIfNew(batch: PacketBatch, index: number): void {
    if (this.isFollowed(index) || !this.rulesForDrops.some((rule) => rule.matches(batch.session[index]))) return;
    this.packets.push(new TracedPacket(undefined, batch.session[index], index, this.source()));
  }

  /** Looks at the followed after a stage, and ends with those that it did not let pass. */
  private follow(batch: PacketBatch, stage: string, direction: Direction, ended: Instant): void {
    const queue = queueOf(stage, direction);
    const names = queue === undefined ? undefined : new QueuedNames(queue, batch, 'held');
    const passed: TracedPacket[] = [];
    for (const packet of this.packets) {
      packet.note(batch, stage);
      const fate = batch.fate(packet.index);
      if (fate === 'live') {
        passed.push(packet);
        continue;
      }
      const steps = (): PacketStep[] => packet.stepsIn(this.journey);
      const name = fate === 'held' ? names?.of(packet.index) : undefined;
      const kept = name !== undefined && this.waiting.put(name, packet.paused(steps()), ended);
      if (!kept) this.tell(packet, steps, fate, batch.now);
    }
    this.packets = passed;
  }

  /** Packets that the stage put in: let go by its queue, or made of the packet before them, as fragments are. */
  private receive(batch: PacketBatch, stage: string, direction: Direction, takenBefore: number, ended: Instant): void {
    const queue = queueOf(stage, direction);
    let whole: TracedPacket | undefined;
    for (let at = 0; at < batch.count; at += 1) {
      const index = batch.order[at] ?? 0;
      const session = batch.session[index];
      if (index < takenBefore) {
        whole = this.packets.find((packet) => packet.index === index);
      } else if (queue !== undefined && session !== undefined) {
        this.wake(index, reorderName(session, batch.sequence[index] ?? -1), { queue, stage, ended });
      } else if (whole !== undefined) {
        const source = { direction, origin: stage, began: ended, earlier: [] };
        this.packets.push(new TracedPacket(whole.rule, session, index, source));
      }
    }
  }

  /** Goes on with a packet that waited, if it is one of those followed. */
  private wake(
    index: number,
    name: string,
    { queue, stage, ended }: { readonly queue: PacketQueueName; readonly stage: string; readonly ended: Instant },
  ): void {
    const found = this.waiting.take(name);
    if (found === undefined) return;
    this.packets.push(found.what.resumed(index, { kind: 'queue', queue, stage, began: found.since, ended }));
  }

  private tell(packet: TracedPacket, steps: () => readonly PacketStep[], outcome: PacketOutcome, now: Instant): void {
    let { rule } = packet;
    if (rule === undefined) {
      if (!isDrop(outcome)) return;
      rule = this.rulesForDrops.find((one) => one.matches(packet.session) && one.chooses());
      if (rule === undefined || !this.mayTrace(rule, now)) return;
    }
    this.told(packet.trace(rule.id, steps(), outcome, this.suppressed - this.suppressedTold));
    this.suppressedTold = this.suppressed;
  }

  private retire(rule: ActiveRule): void {
    this.rulesForAll = this.rulesForAll.filter((one) => one !== rule);
    this.rulesForDrops = this.rulesForDrops.filter((one) => one !== rule);
    this.rulesChanged();
  }

  private rulesChanged(): void {
    this.needsSession = this.rulesForAll.some((rule) => !rule.isGeneral);
    const ends = [...this.rulesForAll, ...this.rulesForDrops].map(({ until }) => until ?? Number.POSITIVE_INFINITY);
    this.firstEnd = Math.min(...ends);
  }

  private retireEnded(now: Instant): void {
    for (const rules of [this.rulesForAll, this.rulesForDrops]) {
      for (const rule of rules) if (rule.until !== undefined && now >= rule.until) this.retire(rule);
    }
  }

  /** Looks away when nothing is left to do in this batch, and takes the probe out when there is nothing at all. */
  private rest(): void {
    if (this.packets.length > 0 || this.waiting.size > 0 || this.rulesForDrops.length > 0) return;
    this.probe.idle = this.decided;
    if (this.rulesForAll.length > 0) return;
    this.journey.batch = undefined;
    this.removeProbe?.();
    this.removeProbe = undefined;
  }
}

/** Whether the stages have come to where packets have sessions. */
const isAtSession = (batch: PacketBatch): boolean => {
  for (let at = 0; at < batch.count; at += 1) {
    const index = batch.order[at] ?? 0;
    if (batch.isLive(index)) return batch.session[index] !== undefined;
  }
  return false;
};
