import { unlink } from 'node:fs/promises';
import { GatewayError } from '../../../core/errors.ts';
import type { AccountingRecord, AccountingSink } from '../../../core/ports/accounting.ts';
import { BoundedLog } from '../../../core/ports/bounded-log.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Fleet } from '../../../core/ports/fleet.ts';
import type { HandOver } from '../../../core/ports/handover.ts';
import type { SessionId } from '../../../core/ports/ids.ts';
import type { Lifecycle } from '../../../core/ports/lifecycle.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { SessionEnding, SessionFacts } from '../../../core/ports/session-facts.ts';
import type { Telemetry } from '../../../core/ports/telemetry.ts';
import type { WallClock } from '../../../core/ports/wall-clock.ts';
import { after } from '../../../core/time.ts';
import type { RadiusClient } from '../client/index.ts';
import type { Attribute } from '../wire/index.ts';
import { type AccountingState, readAccountingState } from './accounting-state.ts';
import { gatewayAttributes, recordAttributes, stopAfterCrash } from './acct-attributes.ts';
import { readBlock, writeBlock } from './block.ts';
import { Delivery } from './delivery.ts';
import { JournalFile } from './journal-file.ts';
import { type Recovered, Spool } from './spool.ts';
import { SpoolFolder } from './spool-folder.ts';
import type { RecordKind, SpoolRecord } from './spool-line.ts';
import { TERMINATE_CAUSE } from './terminate-cause.ts';

export interface AccountingOptions {
  /** Where the spool is kept. */
  readonly folder: string;
  /** Octets that records may take which wait. */
  readonly limit: number;
  /** Accounting-On at the start, Accounting-Off at the end. */
  readonly onOff: boolean;
}

export interface AccountingDeps {
  readonly client: Pick<RadiusClient, 'ask'>;
  readonly clock: Clock;
  readonly wall: WallClock;
  readonly log: Log;
  readonly telemetry: Pick<Telemetry, 'event'>;
  readonly fleet: Fleet;
  /** What every record of a session says of it and of the gateway. */
  readonly sessionAttributes: (facts: SessionFacts) => readonly Attribute[];
  /** What records say of the gateway. */
  readonly gatewayAttributes: () => readonly Attribute[];
  /** The last record of this session has been taken. */
  readonly ended?: (id: SessionId) => void;
}

const TOPIC = 'radius.accounting';
/** Of the time that a part of the gateway has to stop. */
const STOP_MS = 4_000;
const ASK_MS = 5_000;

/**
 * RADIUS accounting (RFC 2866) that loses nothing it has been told: a record is in memory at once, on the disk a moment
 * later, and with a server as soon as one answers. What a crash leaves, the next start delivers, with a Stop for each
 * session that was open.
 */
export class Accounting {
  readonly sink: AccountingSink;
  readonly lifecycle: Lifecycle & { readonly handOver: HandOver };
  private readonly options: AccountingOptions;
  private readonly deps: AccountingDeps;
  private readonly folder: SpoolFolder;
  private readonly spool: Spool;
  private readonly journal: JournalFile;
  private readonly delivery: Delivery;
  private readonly warnings: BoundedLog;
  private inheritedOn: SpoolRecord | undefined;
  private stopping = false;
  /** Another process goes on with everything, or is about to. */
  private releasing: Promise<AccountingState> | undefined;
  private takingBack: Promise<void> = Promise.resolve();
  private inherited: { readonly state: AccountingState; readonly records: readonly SpoolRecord[] } | undefined;

  constructor(options: AccountingOptions, deps: AccountingDeps) {
    this.options = options;
    this.deps = deps;
    this.warnings = new BoundedLog(deps.log, () => deps.clock.now());
    this.folder = new SpoolFolder(options.folder, deps);
    this.spool = new Spool({
      limit: options.limit,
      append: (line) => this.journal.append(line),
      dropped: (record) => this.dropped(record),
    });
    this.journal = new JournalFile({
      path: this.folder.own,
      snapshot: () => this.spool.snapshot(),
      clock: deps.clock,
      log: deps.log,
    });
    this.delivery = new Delivery({ ...deps, spool: this.spool });
    this.delivery.onOpen = () => this.tellOthers();
    this.sink = {
      name: 'radius',
      start: (record) => this.take('start', record),
      interim: (record) => this.take('interim', record),
      stop: (record, ending) => this.take('stop', record, ending),
    };
    this.lifecycle = {
      name: 'radius-accounting',
      start: () => this.start(),
      stop: () => this.stop(),
      handOver: {
        startBeside: () => this.folder.make(),
        rest: () => this.delivery.rest(),
        release: () => this.release(),
        takeOver: (state) => this.goOn(state),
        serve: () => this.serve(),
        takeBack: () => {
          this.takingBack = this.takeBack();
          return this.takingBack;
        },
      },
    };
  }

  /** Others may answer now: what waits is sent without the rest of its pause. */
  hurry(): void {
    this.delivery.hurry();
  }

  /** Records that no server has confirmed. */
  get waiting(): number {
    return this.spool.size;
  }

  private async start(): Promise<void> {
    const { fleet } = this.deps;
    await this.folder.lock();
    const left = await this.takeOver();
    fleet.subscribe(TOPIC, (message) => this.heard(message));
    this.openGate();
    for (const record of left) if (this.spool.has(record)) this.delivery.add(record, true);
  }

  private async stop(): Promise<void> {
    const { clock, fleet } = this.deps;
    this.stopping = true;
    await this.takingBack;
    if (this.releasing !== undefined) {
      // Another process goes on with everything.
      this.delivery.stop();
      return;
    }
    let cancel: () => void = () => undefined;
    const late = new Promise<'late'>((resolve) => {
      cancel = clock.schedule(after(clock.now(), STOP_MS), () => resolve('late'));
    });
    const rest = await Promise.race([this.delivery.idle(), late]);
    // To a server that does not answer, the next start says the same by Accounting-On.
    if (rest !== 'late' && this.delivery.isOpen && fleet.index === 0 && this.options.onOff) {
      this.addGateway('off');
      await Promise.race([this.delivery.idle(), late]);
    }
    cancel();
    this.delivery.stop();
    await this.journal.close();
    await this.folder.unlock();
  }

  /** Everything is in the file when it resolves, which another process may have then. */
  private release(): Promise<AccountingState> {
    const { takingBack } = this;
    const release = async (): Promise<AccountingState> => {
      // Of an upgrade before, which came to nothing: it would have the file again behind our back.
      await takingBack;
      await this.journal.suspend();
      await this.folder.unlock();
      return {
        version: 1,
        folder: this.folder.path,
        records: this.spool.size,
        open: this.spool.open.size,
        gate: this.delivery.gateState,
        held: this.delivery.waitingSessions,
      };
    };
    this.releasing = release();
    return this.releasing;
  }

  private async takeBack(): Promise<void> {
    const { releasing } = this;
    this.releasing = undefined;
    this.delivery.goOn();
    if (releasing === undefined) return;
    await releasing.catch(() => undefined);
    await this.folder.lockAgain();
    this.journal.resume();
  }

  /** Goes on with what another process of the same run has left. */
  private async goOn(given: unknown): Promise<void> {
    const state = readAccountingState(given);
    if (given === undefined || state?.folder !== this.folder.path) {
      const what = given === undefined ? 'PPTP_RADIUS_ACCOUNTING' : 'PPTP_RADIUS_SPOOL_DIR';
      throw new GatewayError(
        'CONFIG_INVALID',
        `${what} cannot change while tunnels are up: put back what was there before and upgrade, or start the gateway again.`,
      );
    }
    await this.folder.lock();
    try {
      this.inherited = { state, records: await this.adopt(state) };
    } catch (cause) {
      await this.folder.unlock();
      throw cause;
    }
  }

  private async adopt(state: AccountingState): Promise<readonly SpoolRecord[]> {
    const found = await this.folder.recover(this.folder.own);
    if (found.records.length !== state.records || found.open.size !== state.open) {
      throw new GatewayError('STATE_DIR', `${this.folder.own} does not hold what the process before has written.`);
    }
    this.spool.adopt(found);
    await this.folder.guarded('written', this.journal.start());
    return found.records;
  }

  private serve(): void {
    const { fleet } = this.deps;
    const { inherited } = this;
    this.inherited = undefined;
    if (inherited === undefined) return;
    const { state, records } = inherited;
    const on = records.find(({ kind }) => kind === 'on');
    fleet.subscribe(TOPIC, (message) => this.heard(message));
    if (state.gate === 'open' || !this.options.onOff) this.delivery.open();
    else if (on !== undefined) this.delivery.guard(on);
    else if (fleet.index === 0) this.delivery.open();
    else this.askForWord();
    const held = new Set(state.held);
    for (const record of records) if (record !== on) this.delivery.add(record, !held.has(record.session));
  }

  /** What earlier processes left is in the own file, and nowhere else, when it resolves. */
  private async takeOver(): Promise<readonly SpoolRecord[]> {
    const orphans = await this.folder.orphans();
    try {
      const paths = orphans.map(({ path }) => path);
      const found: Recovered[] = [];
      for (const path of [this.folder.own, ...paths]) found.push(await this.folder.recover(path));
      const left = found.flatMap((one) => this.inherit(one));
      await this.folder.guarded('written', this.journal.start());
      for (const path of paths) await unlink(path).catch(() => undefined);
      return left;
    } finally {
      for (const { lock } of orphans) await lock.release();
    }
  }

  /** Takes over what an earlier process left, with a Stop for each session that it had. */
  private inherit({ records, open }: Recovered): readonly SpoolRecord[] {
    const { restarted } = this.deps.fleet;
    const left: (SpoolRecord | undefined)[] = [];
    for (const { kind, session, at, block } of records) {
      if (session !== '') left.push(this.spool.add(kind, session, at, block));
      // A new Accounting-On says what an old one says; but when one worker alone was started again there is no new one.
      else if (restarted && kind === 'on') this.inheritedOn = this.spool.add(kind, session, at, block);
    }
    const cause = restarted ? TERMINATE_CAUSE.nasError : TERMINATE_CAUSE.nasReboot;
    for (const [session, last] of open) {
      const attributes = readBlock(last.block);
      const block = attributes === undefined ? undefined : writeBlock(stopAfterCrash(attributes, cause));
      if (block !== undefined) left.push(this.spool.add('stop', session, last.at, block));
    }
    const found = left.filter((record) => record !== undefined);
    if (found.length > 0) {
      this.deps.log.info('radius.spool-recovered', 'Accounting records of an earlier run are delivered now.', {
        records: records.length,
        stops: open.size,
      });
    }
    return found;
  }

  private openGate(): void {
    const { fleet } = this.deps;
    if (!this.options.onOff) this.delivery.open();
    else if (fleet.index === 0) this.openOwnGate();
    else this.askForWord();
  }

  private openOwnGate(): void {
    const record = this.deps.fleet.restarted ? this.inheritedOn : this.addGateway('on');
    if (record === undefined) this.delivery.open();
    else this.delivery.guard(record);
  }

  /** Again until it is heard: a message may be lost while a worker starts. */
  private askForWord(): void {
    if (this.delivery.isOpen || this.stopping) return;
    const { clock, fleet } = this.deps;
    fleet.publish(TOPIC, 'are-you-on');
    clock.schedule(after(clock.now(), ASK_MS), () => this.askForWord());
  }

  private addGateway(kind: 'on' | 'off'): SpoolRecord | undefined {
    const at = this.deps.wall.now();
    const session = `gateway-${Math.floor(at / 1000).toString(16)}`;
    const block = writeBlock(gatewayAttributes(kind, at, session, this.deps.gatewayAttributes()));
    const record = block === undefined ? undefined : this.spool.add(kind, '', at, block);
    if (kind === 'off' && record !== undefined) this.delivery.add(record);
    return record;
  }

  /** The first worker knows whether Accounting-On has been delivered; the others wait for its word. */
  private heard(message: unknown): void {
    const { fleet } = this.deps;
    if (message === 'on' && fleet.index !== 0) this.delivery.open();
    if (message === 'are-you-on' && fleet.index === 0 && this.delivery.isOpen) this.tellOthers();
  }

  private tellOthers(): void {
    const { fleet } = this.deps;
    if (fleet.index === 0) fleet.publish(TOPIC, 'on');
  }

  private take(kind: Exclude<RecordKind, 'on' | 'off'>, record: AccountingRecord, ending?: SessionEnding): void {
    const block = writeBlock(recordAttributes(kind, record, this.deps.sessionAttributes(record.facts), ending));
    if (kind === 'stop') this.deps.ended?.(record.facts.id);
    if (block === undefined) {
      this.lost('too-large', { kind, session: record.facts.id });
      return;
    }
    const added = this.spool.add(kind, record.facts.id, record.at, block);
    if (added !== undefined) this.delivery.add(added);
  }

  private dropped(record: SpoolRecord): void {
    const { kind, session } = record;
    this.delivery.dropped(record);
    this.lost('spool-full', { kind, session });
  }

  private lost(why: 'spool-full' | 'too-large', fields: { readonly kind: RecordKind; readonly session: string }): void {
    this.deps.telemetry.event('radius.accounting-lost', { why, kind: fields.kind });
    this.warnings.warn(
      'radius.accounting-lost',
      why === 'spool-full'
        ? 'The spool of accounting records is full: the oldest ones that matter least are lost. Bring an accounting server back, or give it more room with PPTP_RADIUS_SPOOL_MEGABYTES.'
        : 'An accounting record has more attributes than a packet can hold and is lost.',
      fields,
    );
  }
}
