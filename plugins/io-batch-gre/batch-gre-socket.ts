import type { Observable } from 'rxjs';
import { formatIpv4, type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import { BatchSource } from '../../core/datapath/batch-source.ts';
import { HEADROOM, PacketBatch, SLOT_SIZE } from '../../core/datapath/packet-batch.ts';
import { BoundedLog } from '../../core/ports/bounded-log.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { InheritedDevice, MovableDevice } from '../../core/ports/handover.ts';
import { type Log, silentLog } from '../../core/ports/log.ts';
import type { GreSocket } from '../../core/ports/packet-io.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import { IPV4_HEADER_LENGTH } from '../../core/wire/ipv4.ts';
import type { NativeGre, OpenGre } from '../../native/gre.d.ts';
import type { PollHandle } from '../../native/tun.d.ts';
import { describeErrno, isFatal, messageOf, openError, refusalReason, socketDied } from './gre-errors.ts';
import { loadGreAddon } from './load-gre-addon.ts';

export interface BatchGreOptions {
  /** Take only packets to this address; 0.0.0.0 takes all of the host's. */
  readonly listen?: Ipv4;
  /** Octets of kernel receive buffer. When it is full, kernels answer GRE with ICMP and real clients hang up. */
  readonly receiveBuffer?: number;
  readonly sendBuffer?: number;
  /** Take only packets whose Call ID has this residue, because other processes take the rest. */
  readonly share?: GreShare;
  /** Why this driver, for the log. */
  readonly why?: string;
  /** The socket of the process before, in place of a new one. */
  readonly inherited?: InheritedDevice | undefined;
}

export interface GreShare {
  readonly modulus: number;
  readonly residue: number;
}

export interface BatchGreDependencies {
  readonly telemetry: Pick<Telemetry, 'dropped'>;
  readonly log?: Log;
  /** Monotonic milliseconds, for the rate of log lines. */
  readonly now?: () => number;
  readonly load?: () => NativeGre;
}

interface OpenSocket extends OpenGre {
  readonly addon: NativeGre;
}

const STAGE = 'gre-socket';
/** Packets per batch; the rest of the batch's slots is room for what the reorder queue releases. */
const BATCH = 64;
const CAPACITY = 2 * BATCH;
/**
 * Batches per readiness event, then the event loop gets its turn: readiness is level triggered and comes back. Few, for
 * each delays what comes from the intranet by the time it takes; more save nothing.
 */
const BATCHES_PER_TURN = 2;
/** Refused packets that one call of the addon can name. */
const FAILURES = 16;
/** What the addon says in place of a length. */
const TRUNCATED = -1;
const ANY = ipv4(0);
const WHOLE: GreShare = { modulus: 1, residue: 0 };

/**
 * GRE over our own addon: 64 packets with one system call, received right into the slots of one reused batch and sent
 * right out of theirs, each from the address the client called (R38). Nothing is queued outside the kernel.
 */
export class BatchGreSocket implements GreSocket, MovableDevice {
  readonly name = STAGE;
  readonly driver = 'batch';
  readonly batches$: Observable<PacketBatch>;
  private readonly received = new BatchSource();
  private readonly batch = new PacketBatch(CAPACITY);
  private readonly offsets = new Int32Array(BATCH);
  private readonly lengths = new Int32Array(BATCH);
  private readonly sources = new Uint32Array(BATCH);
  private readonly destinations = new Uint32Array(BATCH);
  private readonly overrun = new Uint32Array(1);
  private readonly failures = new Int32Array(1 + 2 * FAILURES);
  private readonly listen: Ipv4;
  private readonly options: BatchGreOptions;
  private readonly telemetry: Pick<Telemetry, 'dropped'>;
  private readonly log: Log;
  private readonly warnings: BoundedLog;
  private readonly load: () => NativeGre;
  private socket: OpenSocket | undefined;
  private poll: PollHandle | undefined;
  private frozen = false;
  private lost = 0;

  constructor(dependencies: BatchGreDependencies, options: BatchGreOptions) {
    this.batches$ = this.received.batches$;
    this.options = options;
    this.listen = options.listen ?? ANY;
    this.telemetry = dependencies.telemetry;
    this.log = dependencies.log ?? silentLog;
    this.warnings = new BoundedLog(this.log, dependencies.now ?? (() => performance.now()));
    this.load = dependencies.load ?? loadGreAddon;
  }

  /** Throws GatewayError NATIVE_MISSING, NOT_ROOT, ADDRESS_UNAVAILABLE or GRE_SOCKET. */
  async start(signal: CancelSignal): Promise<void> {
    if (this.socket !== undefined || signal.aborted) return;
    const addon = this.load();
    const { receiveBuffer = 8 * 1024 * 1024, sendBuffer = 4 * 1024 * 1024, share, why } = this.options;
    const { modulus, residue } = share ?? WHOLE;
    try {
      const { inherited } = this.options;
      if (inherited !== undefined) {
        addon.adoptFd(inherited.fd);
        this.socket = { addon, fd: inherited.fd, ...buffersOf(inherited.about) };
        this.frozen = true;
      } else {
        const socket = { addon, ...addon.greOpen(this.listen, receiveBuffer, sendBuffer, modulus, residue) };
        this.socket = socket;
        this.poll = addon.pollStart(socket.fd, () => this.drain());
      }
    } catch (cause) {
      this.close();
      throw openError(this.listen, cause);
    }
    this.lost = 0;
    this.overrun[0] = 0;
    this.log.info('gre.open', 'The GRE socket is open.', {
      driver: this.driver,
      ...(why === undefined ? {} : { why }),
      listen: formatIpv4(this.listen),
      ...(share === undefined ? {} : { share: `${residue} of ${modulus}` }),
      receiveBuffer: this.socket.receiveBuffer,
      sendBuffer: this.socket.sendBuffer,
    });
  }

  async stop(): Promise<void> {
    this.close();
    this.received.complete();
  }

  descriptor(): InheritedDevice | undefined {
    const { socket } = this;
    return socket && { fd: socket.fd, about: `${socket.receiveBuffer} ${socket.sendBuffer}` };
  }

  freeze(): void {
    const { poll, socket } = this;
    this.frozen = true;
    this.poll = undefined;
    if (poll !== undefined) socket?.addon.pollStop(poll);
  }

  thaw(): void {
    const { socket } = this;
    if (socket === undefined || !this.frozen) return;
    this.frozen = false;
    this.poll = socket.addon.pollStart(socket.fd, () => this.drain());
  }

  write(batch: PacketBatch): number {
    // What is sent here now, the process that takes over knows nothing of.
    if (this.frozen) return 0;
    let at = 0;
    while (at < batch.count) {
      const { socket } = this;
      // A listener of the log may have stopped us.
      if (socket === undefined) break;
      const done = this.send(socket, batch, at);
      at += done;
      const refused = this.failures[0] ?? 0;
      if (refused > 0) this.noteRefused(batch, refused);
      // Only a full list of failures ends a call early while the kernel still has room.
      if (done === 0 || refused < FAILURES) break;
    }
    return at;
  }

  /** Returns how many packets from position `at` on were dealt with; `failures` names the refused ones among them. */
  private send({ addon, fd }: OpenSocket, batch: PacketBatch, at: number): number {
    const { slab, offset, length, order, outerSource, outerDestination } = batch;
    this.failures[0] = 0;
    try {
      const count = batch.count - at;
      return addon.greSendBatch(
        fd,
        slab,
        offset,
        length,
        order,
        outerSource,
        outerDestination,
        at,
        count,
        this.failures,
      );
    } catch (cause) {
      this.die(cause);
      return 0;
    }
  }

  private noteRefused(batch: PacketBatch, count: number): void {
    let tooBig = 0;
    for (let i = 0; i < count; i += 1) {
      const index = batch.order[this.failures[1 + 2 * i] ?? 0] ?? 0;
      const reason = refusalReason(this.failures[2 + 2 * i] ?? 0);
      if (reason === 'too-big') tooBig += 1;
      batch.drop(index, reason);
      this.warnRefused(reason, this.failures[2 + 2 * i] ?? 0, batch, index);
    }
    if (tooBig > 0) this.telemetry.dropped(STAGE, 'out', 'too-big', tooBig);
    if (tooBig < count) this.telemetry.dropped(STAGE, 'out', 'device-refused', count - tooBig);
  }

  private warnRefused(reason: 'too-big' | 'device-refused', errno: number, batch: PacketBatch, index: number): void {
    const fields = {
      error: describeErrno(errno),
      source: formatIpv4(ipv4(batch.outerSource[index] ?? 0)),
      destination: formatIpv4(ipv4(batch.outerDestination[index] ?? 0)),
      octets: (batch.length[index] ?? 0) + IPV4_HEADER_LENGTH,
    };
    if (reason === 'too-big') {
      const hint = 'A GRE packet is larger than the outer path takes: lower PPTP_MRU and PPTP_TUN_MTU.';
      this.warnings.warn('gre.too-big', hint, fields);
    } else {
      this.warnings.warn('gre.send-refused', 'The kernel refused to send a GRE packet; the session goes on.', fields);
    }
  }

  private drain(): void {
    for (let turn = 0; turn < BATCHES_PER_TURN; turn += 1) {
      const { socket, batch } = this;
      // A subscriber may have stopped us.
      if (socket === undefined || this.frozen) return;
      batch.clear();
      const count = this.receive(socket);
      if (count > 0) this.publish(count);
      if (count < BATCH) return;
      this.noteOverrun();
    }
  }

  private receive({ addon, fd }: OpenSocket): number {
    const { batch, offsets, lengths, sources, destinations, overrun } = this;
    try {
      return addon.greReceiveBatch(
        fd,
        batch.slab,
        SLOT_SIZE,
        HEADROOM,
        offsets,
        lengths,
        sources,
        destinations,
        BATCH,
        0,
        overrun,
      );
    } catch (cause) {
      if (isFatal(cause)) {
        this.die(cause);
      } else {
        const error = messageOf(cause);
        this.warnings.warn('gre.receive-failed', 'The GRE socket reported an error; it stays open.', { error });
      }
      return 0;
    }
  }

  private publish(count: number): void {
    const { batch, lengths } = this;
    let bad = false;
    for (let i = 0; i < count; i += 1) {
      const length = lengths[i] ?? TRUNCATED;
      const index = batch.take(Math.max(0, length));
      batch.offset[index] = this.offsets[i] ?? 0;
      batch.outerSource[index] = this.sources[i] ?? 0;
      batch.outerDestination[index] = this.destinations[i] ?? 0;
      if (length >= 0) continue;
      batch.drop(index, length === TRUNCATED ? 'truncated' : 'malformed');
      bad = true;
    }
    if (bad) batch.compact((reason, dropped) => this.telemetry.dropped(STAGE, 'in', reason, dropped));
    if (batch.count > 0) this.received.next(batch);
  }

  /** The kernel's count is a metric already (pptp.kernel.dropped); here the operator is told what to do. */
  private noteOverrun(): void {
    const now = this.overrun[0] ?? 0;
    const packets = (now - this.lost) >>> 0;
    if (packets === 0) return;
    this.lost = now;
    this.warnings.warn('gre.overrun', 'GRE packets came faster than they were read, and the kernel dropped some.', {
      packets,
      receiveBuffer: this.socket?.receiveBuffer,
      hint: 'if receiveBuffer is below 16 MiB raise net.core.rmem_max; else this machine is too slow for the load',
    });
  }

  private die(cause: unknown): void {
    if (this.socket === undefined) return;
    this.close();
    this.received.error(socketDied(cause));
  }

  private close(): void {
    const { socket } = this;
    this.socket = undefined;
    this.poll = undefined;
    // Closing ends the watch, too. A descriptor that is gone already cannot be closed, and need not be.
    try {
      socket?.addon.closeFd(socket.fd);
    } catch (cause) {
      if (!isFatal(cause)) throw cause;
    }
  }
}

/** What `descriptor` says of the kernel's buffers. */
const buffersOf = (about: string): Pick<OpenGre, 'receiveBuffer' | 'sendBuffer'> => {
  const [receiveBuffer = 0, sendBuffer = 0] = about.split(' ').map((octets) => Number(octets) || 0);
  return { receiveBuffer, sendBuffer };
};
