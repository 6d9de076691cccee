import type { NativeGre } from '../../../../native/gre.d.ts';
import type { PollHandle } from '../../../../native/tun.d.ts';

/** An errno of the addon. */
export const failure = (code: string): Error => Object.assign(new Error(`${code}: made up`), { code });

interface Sent {
  readonly bytes: Uint8Array;
  readonly source: number;
  readonly destination: number;
}

const FD = 7;
const handle: PollHandle = Object.create(null);

/** What arrives: a whole packet as the addon splits it, or one of its two faults. */
export type Arriving = -1 | -2 | { readonly bytes: Uint8Array; readonly source: number; readonly destination: number };

/** The addon's part for GRE in memory, with its habits: prefixes, a list of failures, a window per slot. */
export class FakeGreAddon implements NativeGre {
  readonly inbox: Arriving[] = [];
  readonly sent: Sent[] = [];
  /** errno for each packet that is to be sent, in order; 0 or nothing sends it. */
  readonly refusals: number[] = [];
  readonly opened: (readonly [number, number, number, number, number])[] = [];
  /** Packets that the kernel has room for. */
  room = Number.POSITIVE_INFINITY;
  dropped = 0;
  openError: Error | undefined;
  pollError: Error | undefined;
  receiveError: Error | undefined;
  sendError: Error | undefined;
  closeError: Error | undefined;
  closed = 0;
  usedAfterClose = 0;
  private readable: (() => void) | undefined;

  greOpen(listen: number, receiveBuffer: number, sendBuffer: number, modulus: number, residue: number) {
    if (this.openError !== undefined) throw this.openError;
    this.opened.push([listen, receiveBuffer, sendBuffer, modulus, residue]);
    return { fd: FD, receiveBuffer: 2 * receiveBuffer, sendBuffer: 2 * sendBuffer };
  }

  greReceiveBatch(
    fd: number,
    slab: Uint8Array,
    slotSize: number,
    headroom: number,
    offsets: Int32Array,
    lengths: Int32Array,
    sources: Uint32Array,
    destinations: Uint32Array,
    max: number,
    start: number,
    dropped: Uint32Array,
  ): number {
    this.use(fd);
    if (this.receiveError !== undefined) throw this.receiveError;
    const arrived = this.inbox.splice(0, max);
    arrived.forEach((one, i) => {
      const at = start + i;
      offsets[at] = at * slotSize + headroom;
      const packet = typeof one === 'number' ? undefined : one;
      lengths[at] = typeof one === 'number' ? one : one.bytes.length;
      sources[at] = packet?.source ?? 0;
      destinations[at] = packet?.destination ?? 0;
      if (packet !== undefined) slab.set(packet.bytes, offsets[at]);
    });
    if (arrived.length === max) dropped[0] = this.dropped;
    return arrived.length;
  }

  greSendBatch(
    fd: number,
    slab: Uint8Array,
    offsets: Int32Array,
    lengths: Int32Array,
    order: Int32Array,
    sources: Uint32Array,
    destinations: Uint32Array,
    from: number,
    count: number,
    failures: Int32Array,
  ): number {
    this.use(fd);
    if (this.sendError !== undefined) throw this.sendError;
    const room = (failures.length - 1) >> 1;
    let done = 0;
    let refused = 0;
    while (done < count && refused < room) {
      const errno = this.refusals.shift() ?? 0;
      if (errno > 0) {
        failures.set([from + done, errno], 1 + 2 * refused);
        refused += 1;
      } else if (this.room > 0) {
        this.room -= 1;
        const index = order[from + done] ?? -1;
        const at = offsets[index] ?? -1;
        const bytes = slab.slice(at, at + (lengths[index] ?? -1));
        this.sent.push({ bytes, source: sources[index] ?? 0, destination: destinations[index] ?? 0 });
      } else {
        break;
      }
      done += 1;
    }
    failures[0] = refused;
    return done;
  }

  pollStart(fd: number, onReadable: () => void): PollHandle {
    this.use(fd);
    if (this.pollError !== undefined) throw this.pollError;
    this.readable = onReadable;
    return handle;
  }

  pollStop(): void {
    this.readable = undefined;
  }

  adoptFd(): void {}

  closeFd(fd: number): void {
    this.use(fd);
    this.closed += 1;
    this.readable = undefined;
    if (this.closeError !== undefined) throw this.closeError;
  }

  /** The event loop found the socket readable. */
  wake(): void {
    this.readable?.();
  }

  get watched(): boolean {
    return this.readable !== undefined;
  }

  private use(fd: number): void {
    if (fd !== FD) throw failure('EBADF');
    if (this.closed > 0) this.usedAfterClose += 1;
  }
}
