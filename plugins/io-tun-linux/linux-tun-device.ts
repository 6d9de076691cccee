import { type Observable, Subject } from 'rxjs';
import { HEADROOM, PacketBatch, SLOT_SIZE } from '../../core/datapath/packet-batch.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import { type Log, silentLog } from '../../core/ports/log.ts';
import type { TunDevice } from '../../core/ports/packet-io.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { NativeTun, OpenTun, PollHandle } from '../../native/tun.d.ts';
import { loadAddon } from './load-addon.ts';
import { deviceDied, openError } from './tun-errors.ts';

export interface LinuxTunOptions {
  /** Kernel name, shorter than 16 octets; `%d` in it becomes the first free number. */
  readonly interfaceName: string;
}

export interface LinuxTunDependencies {
  readonly telemetry: Pick<Telemetry, 'dropped'>;
  readonly log?: Log;
  readonly load?: () => NativeTun;
}

const STAGE = 'tun';
/** Packets per batch; the rest of the batch's slots is room for what stages release. */
const BATCH = 64;
const CAPACITY = 2 * BATCH;
/** Batches per readiness event, then the event loop gets its turn: readiness is level triggered and comes back. */
const BATCHES_PER_TURN = 8;
const LARGEST = SLOT_SIZE - HEADROOM;

/** A Linux TUN interface through our own addon. It appears at start and disappears with the process. */
export class LinuxTunDevice implements TunDevice {
  readonly name = STAGE;
  readonly batches$: Observable<PacketBatch>;
  private readonly read$ = new Subject<PacketBatch>();
  private readonly batch = new PacketBatch(CAPACITY);
  private readonly lengths = new Int32Array(CAPACITY);
  private readonly skipped = new Int32Array(1);
  private readonly telemetry: Pick<Telemetry, 'dropped'>;
  private readonly log: Log;
  private readonly load: () => NativeTun;
  private kernelName: string;
  private addon: NativeTun | undefined;
  private tun: OpenTun | undefined;
  private poll: PollHandle | undefined;

  constructor(dependencies: LinuxTunDependencies, options: LinuxTunOptions) {
    this.batches$ = this.read$.asObservable();
    this.kernelName = options.interfaceName;
    this.telemetry = dependencies.telemetry;
    this.log = dependencies.log ?? silentLog;
    this.load = dependencies.load ?? loadAddon;
  }

  get interfaceName(): string {
    return this.kernelName;
  }

  /** Throws GatewayError NATIVE_MISSING, NOT_ROOT, TUN_MISSING or TUN_BUSY. */
  async start(signal: CancelSignal): Promise<void> {
    if (this.tun !== undefined || signal.aborted) return;
    const addon = this.load();
    const tun = this.open(addon);
    this.addon = addon;
    this.tun = tun;
    this.kernelName = tun.name;
    try {
      this.poll = addon.pollStart(tun.fd, () => this.drain());
    } catch (cause) {
      this.close();
      throw openError(tun.name, cause);
    }
    this.log.info('tun.open', 'The tunnel device is open.', { interface: tun.name });
  }

  async stop(): Promise<void> {
    this.close();
    this.read$.complete();
  }

  write(batch: PacketBatch): number {
    const { addon, tun, skipped } = this;
    if (addon === undefined || tun === undefined || batch.count === 0) return 0;
    skipped[0] = 0;
    let accepted: number;
    try {
      accepted = addon.tunWriteBatch(
        tun.fd,
        batch.slab,
        batch.offset,
        batch.length,
        batch.order,
        0,
        batch.count,
        skipped,
      );
    } catch (cause) {
      this.die(cause);
      return 0;
    }
    const refused = skipped[0] ?? 0;
    if (refused > 0) {
      this.telemetry.dropped(STAGE, 'in', 'device-refused', refused);
      markRefused(batch, accepted + refused, accepted === 0);
    }
    return accepted + refused;
  }

  private open(addon: NativeTun): OpenTun {
    try {
      return addon.tunOpen({ name: this.kernelName, multiQueue: false, vnetHdr: false });
    } catch (cause) {
      throw openError(this.kernelName, cause);
    }
  }

  private drain(): void {
    for (let turn = 0; turn < BATCHES_PER_TURN; turn += 1) {
      const { addon, tun, batch } = this;
      // A subscriber may have stopped us.
      if (addon === undefined || tun === undefined) return;
      batch.clear();
      let count: number;
      try {
        count = addon.tunReadBatch(tun.fd, batch.slab, SLOT_SIZE, HEADROOM, this.lengths, BATCH, 0);
      } catch (cause) {
        this.die(cause);
        return;
      }
      if (count > 0) this.publish(count);
      if (count < BATCH) return;
    }
  }

  private publish(count: number): void {
    const { batch, lengths } = this;
    let cut = false;
    for (let i = 0; i < count; i += 1) {
      const length = lengths[i] ?? 0;
      const index = batch.take(length);
      // A packet that fills its slot lost its end on the way out of the kernel.
      if (length >= LARGEST) {
        batch.drop(index, 'truncated');
        cut = true;
      }
    }
    if (cut) batch.compact((reason, dropped) => this.telemetry.dropped(STAGE, 'out', reason, dropped));
    if (batch.count > 0) this.read$.next(batch);
  }

  private die(cause: unknown): void {
    this.close();
    this.read$.error(deviceDied(this.kernelName, cause));
  }

  private close(): void {
    const { addon, tun, poll } = this;
    this.tun = undefined;
    this.poll = undefined;
    if (addon === undefined || tun === undefined) return;
    if (poll !== undefined) addon.pollStop(poll);
    addon.closeFd(tun.fd);
  }
}

/** The kernel takes nothing while the interface is down, and at other times what is no IP packet. */
const markRefused = (batch: PacketBatch, count: number, all: boolean): void => {
  for (let at = 0; at < count; at += 1) {
    const index = batch.order[at] ?? 0;
    const version = (batch.slab[batch.offset[index] ?? 0] ?? 0) >> 4;
    if (all || (version !== 4 && version !== 6)) batch.drop(index, 'device-refused');
  }
};
