import type { RawSocketModule, Socket } from 'raw-socket';
import { type Observable, Subject } from 'rxjs';
import { formatIpv4, type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import { HEADROOM, PacketBatch, SLOT_SIZE } from '../../core/datapath/packet-batch.ts';
import { GatewayError } from '../../core/errors.ts';
import { BoundedLog } from '../../core/ports/bounded-log.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import { type Log, silentLog } from '../../core/ports/log.ts';
import type { GreSocket } from '../../core/ports/packet-io.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import {
  checkIpv4,
  IP_PROTOCOL,
  IPV4_HEADER_LENGTH,
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Source,
  ipv4TotalLength,
  writeIpv4Header,
} from '../../core/wire/ipv4.ts';
import { bufferOf, closeSocket, importModule, loadRawSocket, openSocket, SO_RCVBUF, SO_SNDBUF } from './open-socket.ts';
import { isWouldBlock, messageOf, sendFailure } from './send-errors.ts';

export interface RawGreOptions {
  /** Take only packets to this address; 0.0.0.0 takes all of the host's. */
  readonly listen?: Ipv4;
  /** Octets of kernel receive buffer. When it is full, kernels answer GRE with ICMP and real clients hang up. */
  readonly receiveBuffer?: number;
  readonly sendBuffer?: number;
  /** Why this driver, for the log. */
  readonly why?: string;
}

export interface RawGreDependencies {
  readonly telemetry: Pick<Telemetry, 'dropped'>;
  readonly log?: Log;
  /** Monotonic milliseconds, for the rate of log lines. */
  readonly now?: () => number;
  readonly load?: () => Promise<RawSocketModule>;
}

const STAGE = 'gre-socket';
/** Packets per batch; the rest of the batch's slots is room for what the reorder queue releases. */
const BATCH = 64;
const CAPACITY = 2 * BATCH;
/** Batches per readiness event, then the event loop gets its turn: the socket is level triggered and comes back. */
const BATCHES_PER_TURN = 8;
const NAMES_KEPT = 4096;
const ANY = ipv4(0);

/**
 * GRE over the raw-socket package. Packets are received into the slots of one reused batch (the package's own receive
 * buffer, which the next packet overwrites, is never used), and sent synchronously with our own IPv4 header, so that
 * they leave from the address the client called (R38) and nothing is queued outside the kernel.
 */
export class RawGreSocket implements GreSocket {
  readonly name = STAGE;
  readonly driver = 'raw-socket';
  readonly batches$: Observable<PacketBatch>;
  private readonly received$ = new Subject<PacketBatch>();
  private readonly batch = new PacketBatch(CAPACITY);
  private readonly slots: readonly Buffer[];
  private readonly names = new Map<number, string>();
  private readonly listen: Ipv4;
  private readonly receiveBuffer: number;
  private readonly sendBuffer: number;
  private readonly why: string | undefined;
  private readonly telemetry: Pick<Telemetry, 'dropped'>;
  private readonly log: Log;
  private readonly warnings: BoundedLog;
  private readonly load: () => Promise<RawSocketModule>;
  private socket: Socket | undefined;
  private octets = 0;
  private readonly onReceived = (_: Uint8Array, octets: number): void => {
    this.octets = octets;
  };
  private readonly onSent = (): void => undefined;

  constructor(dependencies: RawGreDependencies, options: RawGreOptions) {
    this.batches$ = this.received$.asObservable();
    this.listen = options.listen ?? ANY;
    this.receiveBuffer = options.receiveBuffer ?? 8 * 1024 * 1024;
    this.sendBuffer = options.sendBuffer ?? 4 * 1024 * 1024;
    this.why = options.why;
    this.telemetry = dependencies.telemetry;
    this.log = dependencies.log ?? silentLog;
    this.warnings = new BoundedLog(this.log, dependencies.now ?? (() => performance.now()));
    this.load = dependencies.load ?? loadRawSocket;
    // The GRE header of a packet without IP options then starts exactly behind the head-room.
    const { buffer } = this.batch.slab;
    const front = HEADROOM - IPV4_HEADER_LENGTH;
    this.slots = Array.from({ length: BATCH }, (_, i) =>
      Buffer.from(buffer as ArrayBuffer, i * SLOT_SIZE + front, SLOT_SIZE - front),
    );
  }

  /** Throws GatewayError NATIVE_MISSING, NOT_ROOT or GRE_SOCKET. */
  async start(signal: CancelSignal): Promise<void> {
    if (this.socket !== undefined) return;
    const module = await importModule(this.load);
    if (signal.aborted) return;
    const socket = openSocket(module, this.receiveBuffer, this.sendBuffer);
    this.socket = socket;
    // The package's listener would read one packet per event into its own buffer.
    socket.wrap.removeAllListeners('recvReady');
    socket.wrap.on('recvReady', () => this.drain(socket));
    socket.on('error', (cause) => this.die(cause));
    this.log.info('gre.open', 'The GRE socket is open.', {
      driver: this.driver,
      ...(this.why === undefined ? {} : { why: this.why }),
      listen: formatIpv4(this.listen),
      receiveBuffer: bufferOf(socket, SO_RCVBUF),
      sendBuffer: bufferOf(socket, SO_SNDBUF),
    });
  }

  async stop(): Promise<void> {
    this.close();
    this.received$.complete();
  }

  write(batch: PacketBatch): number {
    const socket = this.socket;
    if (socket === undefined) return 0;
    let tooBig = 0;
    let refused = 0;
    let at = 0;
    for (; at < batch.count; at += 1) {
      const index = batch.order[at] ?? 0;
      const failure = this.send(socket, batch, index);
      if (failure === undefined) continue;
      const kind = sendFailure(failure);
      if (kind === 'would-block') break;
      if (kind === 'too-big') tooBig += 1;
      else refused += 1;
      batch.drop(index, kind === 'too-big' ? 'too-big' : 'device-refused');
      this.warnSend(kind, failure, batch, index);
      // A listener of the log or the socket may have stopped us; this packet is counted already.
      if (this.socket !== socket) {
        at += 1;
        break;
      }
    }
    if (tooBig > 0) this.telemetry.dropped(STAGE, 'out', 'too-big', tooBig);
    if (refused > 0) this.telemetry.dropped(STAGE, 'out', 'device-refused', refused);
    return at;
  }

  /** Sends one packet; the kernel fills in the identification and the checksum. Returns the error's text. */
  private send(socket: Socket, batch: PacketBatch, index: number): string | undefined {
    const offset = (batch.offset[index] ?? 0) - IPV4_HEADER_LENGTH;
    const totalLength = (batch.length[index] ?? 0) + IPV4_HEADER_LENGTH;
    const destination = batch.outerDestination[index] ?? 0;
    writeIpv4Header(batch.slab, offset, {
      totalLength,
      protocol: IP_PROTOCOL.gre,
      source: batch.outerSource[index] ?? 0,
      destination,
    });
    try {
      socket.wrap.send(batch.slab, offset, totalLength, this.nameOf(destination), this.onSent);
      return undefined;
    } catch (cause) {
      return messageOf(cause);
    }
  }

  private drain(socket: Socket): void {
    for (let turn = 0; turn < BATCHES_PER_TURN; turn += 1) {
      this.batch.clear();
      const empty = this.fill(socket);
      if (this.batch.count > 0) this.received$.next(this.batch);
      // Reading from a closed socket would open it again: a subscriber may have stopped us.
      if (empty || this.socket !== socket) return;
    }
  }

  /** Receives until the batch is full; true when the socket had no more. */
  private fill(socket: Socket): boolean {
    const { batch } = this;
    let truncated = 0;
    let malformed = 0;
    let empty = false;
    // Reads, not packets taken, are bounded: strangers' packets must not hold the event loop.
    for (let reads = 0; reads < BATCH; reads += 1) {
      const at = batch.taken;
      const slot = this.slots[at];
      if (slot === undefined || !this.receive(socket, slot)) {
        empty = true;
        break;
      }
      const check = checkIpv4(slot, 0, this.octets);
      if (check === 'truncated') truncated += 1;
      else if (check === 'malformed') malformed += 1;
      else this.accept(slot);
    }
    if (truncated > 0) this.telemetry.dropped(STAGE, 'in', 'truncated', truncated);
    if (malformed > 0) this.telemetry.dropped(STAGE, 'in', 'malformed', malformed);
    return empty;
  }

  private receive(socket: Socket, slot: Buffer): boolean {
    this.octets = 0;
    try {
      socket.wrap.recv(slot, this.onReceived);
      return true;
    } catch (cause) {
      const message = messageOf(cause);
      if (!isWouldBlock(message)) {
        this.warnings.warn('gre.receive-failed', 'The GRE socket reported an error; it stays open.', {
          error: message,
        });
      }
      return false;
    }
  }

  private accept(slot: Buffer): void {
    const destination = ipv4Destination(slot, 0);
    // A packet to another address of the host belongs to another program: neither ours nor a drop.
    if (this.listen !== ANY && destination !== this.listen) return;
    const headerLength = ipv4HeaderLength(slot, 0);
    const index = this.batch.take(ipv4TotalLength(slot, 0) - IPV4_HEADER_LENGTH);
    if (index < 0) return;
    this.batch.strip(index, headerLength - IPV4_HEADER_LENGTH);
    this.batch.outerEndpoints(index, ipv4Source(slot, 0), destination);
  }

  private warnSend(kind: 'too-big' | 'refused', error: string, batch: PacketBatch, index: number): void {
    const fields = {
      error,
      source: formatIpv4(ipv4(batch.outerSource[index] ?? 0)),
      destination: formatIpv4(ipv4(batch.outerDestination[index] ?? 0)),
      octets: (batch.length[index] ?? 0) + IPV4_HEADER_LENGTH,
    };
    if (kind === 'too-big') {
      const hint = 'A GRE packet is larger than the outer path takes: lower PPTP_MRU and PPTP_TUN_MTU.';
      this.warnings.warn('gre.too-big', hint, fields);
    } else {
      this.warnings.warn('gre.send-refused', 'The kernel refused to send a GRE packet; the session goes on.', fields);
    }
  }

  private nameOf(address: number): string {
    const known = this.names.get(address);
    if (known !== undefined) return known;
    if (this.names.size >= NAMES_KEPT) this.names.clear();
    const name = formatIpv4(ipv4(address));
    this.names.set(address, name);
    return name;
  }

  private die(cause: Error): void {
    if (this.socket === undefined) return;
    this.close();
    this.received$.error(
      new GatewayError('GRE_SOCKET', `The GRE socket died (${cause.message}): restart the gateway.`, { cause }),
    );
  }

  private close(): void {
    const socket = this.socket;
    this.socket = undefined;
    if (socket !== undefined) closeSocket(socket);
  }
}
