import type { Observable } from 'rxjs';
import { BatchSource } from '../../core/datapath/batch-source.ts';
import { HEADROOM, PacketBatch, SLOT_SIZE } from '../../core/datapath/packet-batch.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { InheritedDevice, MovableDevice } from '../../core/ports/handover.ts';
import { type Log, silentLog } from '../../core/ports/log.ts';
import type { TunDevice } from '../../core/ports/packet-io.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { NativeTun, PollHandle } from '../../native/tun.d.ts';
import { loadAddon } from './load-addon.ts';
import { inheritChannel, type OpenedChannel, openChannel } from './open-channel.ts';
import type { TunChannel } from './tun-channel.ts';
import { deviceDied, openError } from './tun-errors.ts';

export interface LinuxTunOptions {
  /** Kernel name, shorter than 16 octets; `%d` in it becomes the first free number. */
  readonly interfaceName: string;
  /** `auto` (default): take over from the kernel what it lets us, see `Offloads`. */
  readonly offloads?: 'auto' | 'off';
  /** The device of the process before, in place of a new one. */
  readonly inherited?: InheritedDevice | undefined;
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
/**
 * Batches per readiness event, then the event loop gets its turn: readiness is level triggered and comes back. Few, for
 * each delays what comes from the peers by the time it takes; more save nothing.
 */
const BATCHES_PER_TURN = 2;
const LARGEST = SLOT_SIZE - HEADROOM;
/** Turns in which what was read ahead has to leave before another process takes over: more than its queue can need. */
const MOST_TURNS = 16;

/** A Linux TUN interface through our own addon. It appears at start and disappears with the process. */
export class LinuxTunDevice implements TunDevice, MovableDevice {
  readonly name = STAGE;
  readonly batches$: Observable<PacketBatch>;
  private readonly packets = new BatchSource();
  private readonly batch = new PacketBatch(CAPACITY);
  private readonly lengths = new Int32Array(CAPACITY);
  private readonly telemetry: Pick<Telemetry, 'dropped'>;
  private readonly log: Log;
  private readonly load: () => NativeTun;
  private readonly offloads: 'auto' | 'off';
  private kernelName: string;
  private addon: NativeTun | undefined;
  private channel: TunChannel | undefined;
  private poll: PollHandle | undefined;
  private later: NodeJS.Immediate | undefined;
  private overflowed = 0;
  private readonly inherited: InheritedDevice | undefined;
  private frozen = false;

  constructor(dependencies: LinuxTunDependencies, options: LinuxTunOptions) {
    this.batches$ = this.packets.batches$;
    this.kernelName = options.interfaceName;
    this.offloads = options.offloads ?? 'auto';
    this.inherited = options.inherited;
    this.telemetry = dependencies.telemetry;
    this.log = dependencies.log ?? silentLog;
    this.load = dependencies.load ?? loadAddon;
  }

  get interfaceName(): string {
    return this.kernelName;
  }

  /** Throws GatewayError NATIVE_MISSING, NOT_ROOT, TUN_MISSING or TUN_BUSY. */
  async start(signal: CancelSignal): Promise<void> {
    if (this.channel !== undefined || signal.aborted) return;
    const addon = this.load();
    const { channel, why } = this.open(addon);
    const { fd, name } = channel.tun;
    this.addon = addon;
    this.channel = channel;
    this.kernelName = name;
    try {
      if (this.inherited === undefined) this.watch(addon, fd);
      else this.frozen = true;
    } catch (cause) {
      this.close();
      throw openError(name, cause);
    }
    this.log.info('tun.open', 'The tunnel device is open.', {
      interface: name,
      offloads: channel.offloads,
      ...(why === undefined ? {} : { why }),
    });
  }

  async stop(): Promise<void> {
    this.close();
    this.packets.complete();
  }

  descriptor(): InheritedDevice | undefined {
    const { channel } = this;
    return channel && { fd: channel.tun.fd, about: `${channel.offloads} ${channel.tun.name}` };
  }

  /** What the addon has read ahead goes on its way first, as far as that ends soon. */
  freeze(): void {
    for (let turn = 0; turn < MOST_TURNS && this.channel?.waits === true; turn += 1) this.drain();
    const { addon, poll } = this;
    this.frozen = true;
    clearImmediate(this.later);
    this.later = undefined;
    this.poll = undefined;
    if (poll !== undefined) addon?.pollStop(poll);
  }

  thaw(): void {
    const { addon, channel } = this;
    if (addon === undefined || channel === undefined || !this.frozen) return;
    this.frozen = false;
    this.watch(addon, channel.tun.fd);
    if (channel.waits) this.drainLater();
  }

  write(batch: PacketBatch): number {
    const { channel } = this;
    if (channel === undefined || batch.count === 0 || this.frozen) return 0;
    const doomed = batch.doomed;
    let done: number;
    try {
      done = channel.write(batch);
    } catch (cause) {
      this.die(cause);
      return 0;
    }
    const refused = batch.doomed - doomed;
    if (refused > 0) this.telemetry.dropped(STAGE, 'in', 'device-refused', refused);
    return done;
  }

  private watch(addon: NativeTun, fd: number): void {
    this.poll = addon.pollStart(fd, () => {
      // What waits is first, and has its turn in this same round of the event loop.
      if (this.later === undefined) this.drain();
    });
  }

  private open(addon: NativeTun): OpenedChannel {
    try {
      if (this.inherited !== undefined) return inheritChannel(addon, this.inherited);
      return openChannel(addon, this.kernelName, this.offloads);
    } catch (cause) {
      throw openError(this.kernelName, cause);
    }
  }

  private drain(): void {
    for (let turn = 0; turn < BATCHES_PER_TURN; turn += 1) {
      const { channel, batch } = this;
      // A subscriber may have stopped us.
      if (channel === undefined || this.frozen) return;
      batch.clear();
      let count: number;
      try {
        count = channel.read(batch.slab, this.lengths, BATCH);
      } catch (cause) {
        this.die(cause);
        return;
      }
      this.noteOverflow(channel.overflowed);
      if (count > 0) this.publish(count);
      if (count < BATCH) return;
    }
    // Of these the descriptor will not tell.
    if (this.channel?.waits === true) this.drainLater();
  }

  private noteOverflow(overflowed: number): void {
    if (overflowed === this.overflowed) return;
    this.telemetry.dropped(STAGE, 'out', 'queue-full', (overflowed - this.overflowed) & 0x7fffffff);
    this.overflowed = overflowed;
  }

  private drainLater(): void {
    this.later ??= setImmediate(() => {
      this.later = undefined;
      this.drain();
    });
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
    if (batch.count > 0) this.packets.next(batch);
  }

  private die(cause: unknown): void {
    this.close();
    this.packets.error(deviceDied(this.kernelName, cause));
  }

  private close(): void {
    const { addon, channel, poll } = this;
    this.channel = undefined;
    this.poll = undefined;
    clearImmediate(this.later);
    this.later = undefined;
    if (addon === undefined || channel === undefined) return;
    if (poll !== undefined) addon.pollStop(poll);
    addon.closeFd(channel.tun.fd);
  }
}
