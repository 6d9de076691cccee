import { BoundedLog } from '../../../core/ports/bounded-log.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { Telemetry } from '../../../core/ports/telemetry.ts';
import type { WallClock } from '../../../core/ports/wall-clock.ts';
import { after } from '../../../core/time.ts';
import { type RadiusClient, RadiusFailure } from '../client/index.ts';
import { ATTRIBUTE, type Attribute, attribute, CODE } from '../wire/index.ts';
import { secondsOf } from './acct-attributes.ts';
import { readBlock } from './block.ts';
import type { Spool } from './spool.ts';
import type { SpoolRecord } from './spool-line.ts';

export interface DeliveryDeps {
  readonly client: Pick<RadiusClient, 'ask'>;
  readonly spool: Spool;
  readonly clock: Clock;
  readonly wall: WallClock;
  readonly log: Log;
  readonly telemetry: Pick<Telemetry, 'event'>;
}

/** Records on their way at a time. */
const WINDOW = 32;
/** Between two attempts while no server answers, in ms; twice as long each time. */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

type Outcome = 'delivered' | 'unanswered' | 'impossible';

/**
 * Takes the records of the spool to the servers: those of one session one after the other and in order, several sessions
 * at a time. While no server answers, one record is tried at a time, with growing pauses.
 *
 * Sessions of this run wait behind a gate until Accounting-On has been delivered, which makes the server forget earlier
 * ones. A server that answers other records but never that one does not keep them back for good: when Accounting-On has
 * no answer, another record is a probe; when that one is answered (it is sent again afterwards) and Accounting-On, once
 * more, is not, Accounting-On is given up.
 */
export class Delivery {
  private readonly deps: DeliveryDeps;
  private readonly warnings: BoundedLog;
  /** What waits for each session, in order; each session is in `ready`, in `held`, or its first record is on its way. */
  private readonly lanes = new Map<string, SpoolRecord[]>();
  private readonly ready = new Set<string>();
  private readonly held = new Set<string>();
  /** A record: Accounting-On, which is to be delivered first. */
  private gate: 'open' | 'shut' | SpoolRecord = 'shut';
  private doubt: 'none' | 'probing' | 'probe-answered' = 'none';
  /** Called when the gate opens. */
  onOpen: () => void = () => undefined;
  private flying = 0;
  private gateFlying = false;
  private wait = 0;
  private paused: (() => void) | undefined;
  private stopped = false;
  private resting = false;
  private readonly resters = new Set<() => void>();
  private readonly idlers = new Set<() => void>();

  constructor(deps: DeliveryDeps) {
    this.deps = deps;
    this.warnings = new BoundedLog(deps.log, () => deps.clock.now());
  }

  /** `early`: it is of an earlier run and does not wait for the gate. */
  add(record: SpoolRecord, early = false): void {
    const lane = this.lanes.get(record.session);
    if (lane !== undefined) {
      lane.push(record);
      return;
    }
    this.lanes.set(record.session, [record]);
    if (early || this.gate === 'open') this.ready.add(record.session);
    else this.held.add(record.session);
    this.pump();
  }

  /** The spool has given it up; one that is on its way is never given up. */
  dropped(record: SpoolRecord): void {
    const { session } = record;
    const lane = this.lanes.get(session);
    const at = lane?.indexOf(record) ?? -1;
    if (lane === undefined || at < 0) return;
    lane.splice(at, 1);
    if (lane.length > 0) return;
    this.lanes.delete(session);
    this.ready.delete(session);
    this.held.delete(session);
  }

  /** The gate opens when this record has been delivered. */
  guard(record: SpoolRecord): void {
    this.gate = record;
    this.pump();
  }

  /** Nothing is held back any more. */
  open(): void {
    if (this.gate === 'open') return;
    this.gate = 'open';
    this.doubt = 'none';
    for (const session of this.held) this.ready.add(session);
    this.held.clear();
    this.onOpen();
    this.pump();
  }

  get isOpen(): boolean {
    return this.gate === 'open';
  }

  /** Resolves when nothing is left to be delivered. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.idlers.add(resolve);
      this.tellIdlers();
    });
  }

  /** Servers may answer that did not: sends at once what waits for the end of a pause. */
  hurry(): void {
    if (this.paused === undefined) return;
    this.resume();
    this.wait = FIRST_WAIT_MS;
    this.pump();
  }

  /** Sends nothing more, and resolves when what is on its way has come to its end. */
  rest(): Promise<void> {
    this.resting = true;
    return new Promise((resolve) => {
      this.resters.add(resolve);
      this.tellResters();
    });
  }

  /** After `rest`. */
  goOn(): void {
    this.resting = false;
    this.pump();
  }

  /** Open, waiting for Accounting-On, or for the word of another worker. */
  get gateState(): 'open' | 'on' | 'shut' {
    return typeof this.gate === 'object' ? 'on' : this.gate;
  }

  /** Sessions that wait behind the gate. */
  get waitingSessions(): readonly string[] {
    return [...this.held];
  }

  stop(): void {
    this.stopped = true;
    this.resume();
  }

  private pump(): void {
    this.tellResters();
    if (this.stopped || this.resting || this.paused !== undefined) return;
    if (typeof this.gate === 'object') this.pumpGate(this.gate);
    while (this.flying < (this.wait > 0 ? 1 : WINDOW) && this.doubt !== 'probe-answered') {
      const [session] = this.ready;
      if (session === undefined) break;
      this.ready.delete(session);
      const record = this.lanes.get(session)?.[0];
      if (record === undefined) this.lanes.delete(session);
      else if (this.deps.spool.has(record)) this.launch(record, (outcome) => this.landed(session, record, outcome));
      else this.next(session);
    }
    this.tellIdlers();
  }

  private pumpGate(record: SpoolRecord): void {
    if (this.gateFlying || this.flying > 0) return;
    if (this.doubt === 'probing') {
      const [session] = this.held;
      if (this.ready.size === 0 && session !== undefined) {
        this.held.delete(session);
        this.ready.add(session);
      }
      if (this.ready.size > 0) return;
    }
    this.gateFlying = true;
    this.launch(record, (outcome) => this.gateLanded(record, outcome));
  }

  private launch(record: SpoolRecord, landed: (outcome: Outcome) => void): void {
    this.deps.spool.take(record);
    this.flying += 1;
    void this.send(record).then((outcome) => {
      this.flying -= 1;
      if (this.stopped) return;
      if (outcome === 'delivered') {
        this.wait = 0;
        this.resume();
      }
      landed(outcome);
      if (outcome === 'unanswered') this.pause();
      this.pump();
    });
  }

  private async send(record: SpoolRecord): Promise<Outcome> {
    const attributes = readBlock(record.block);
    if (attributes === undefined) return 'impossible';
    try {
      await this.deps.client.ask({ code: CODE.accountingRequest, attributes: () => this.dated(record, attributes) });
      return 'delivered';
    } catch (cause) {
      if (!(cause instanceof RadiusFailure) || cause.code !== 'too-large') return 'unanswered';
      this.warnings.warn(
        'radius.accounting-too-large',
        'An accounting record has no room in a packet: it is given up.',
        {
          kind: record.kind,
          session: record.session,
        },
      );
      return 'impossible';
    }
  }

  /** Acct-Delay-Time (RFC 2866 section 5.2) says how late this attempt is; so each attempt is a new request. */
  private dated({ at }: SpoolRecord, attributes: readonly Attribute[]): readonly Attribute[] {
    return [...attributes, attribute(ATTRIBUTE.acctDelayTime, secondsOf(this.deps.wall.now() - at))];
  }

  private landed(session: string, record: SpoolRecord, outcome: Outcome): void {
    const probing = typeof this.gate === 'object' && this.doubt === 'probing';
    if (outcome === 'unanswered' || (outcome === 'delivered' && probing)) {
      this.deps.spool.put(record);
      if (probing) this.doubt = outcome === 'delivered' ? 'probe-answered' : 'none';
      this.ready.add(session);
      return;
    }
    this.deps.spool.done(record);
    this.next(session);
  }

  /** The first of the lane is over. */
  private next(session: string): void {
    const lane = this.lanes.get(session);
    lane?.shift();
    if (lane === undefined || lane.length === 0) this.lanes.delete(session);
    else this.ready.add(session);
  }

  private gateLanded(record: SpoolRecord, outcome: Outcome): void {
    this.gateFlying = false;
    if (outcome === 'unanswered' && this.doubt !== 'probe-answered') {
      this.doubt = 'probing';
      return;
    }
    if (outcome === 'unanswered') {
      this.deps.log.warn(
        'radius.accounting-on-unanswered',
        'The accounting server answers other records but not Accounting-On: that one is given up.',
      );
    }
    this.deps.spool.done(record);
    this.open();
  }

  private pause(): void {
    if (this.paused !== undefined) return;
    const { clock, spool } = this.deps;
    this.wait = Math.min(LONGEST_WAIT_MS, Math.max(FIRST_WAIT_MS, 2 * this.wait));
    this.warnings.warn(
      'radius.accounting-waits',
      'No accounting server answers: records wait in the spool and are sent again.',
      { waiting: spool.size, octets: spool.octets },
    );
    this.paused = clock.schedule(after(clock.now(), this.wait), () => {
      this.paused = undefined;
      this.pump();
    });
  }

  private resume(): void {
    this.paused?.();
    this.paused = undefined;
  }

  private tellResters(): void {
    if (!this.resting || this.flying > 0) return;
    for (const resolve of this.resters) resolve();
    this.resters.clear();
  }

  private tellIdlers(): void {
    if (this.flying > 0 || this.lanes.size > 0 || typeof this.gate === 'object') return;
    for (const resolve of this.idlers) resolve();
    this.idlers.clear();
  }
}
