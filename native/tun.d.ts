/**
 * The exact shape of `native/build/Release/pptp_native.node`, the gateway's own addon (Linux only).
 *
 * Every function is synchronous and never blocks. Every error is an `Error` whose `code` is an errno name: `EPERM`
 * and `EACCES` (no CAP_NET_ADMIN), `ENOENT` and `ENODEV` (no /dev/net/tun), `EBUSY` (the name is in use), `EBADF` (not
 * an open descriptor), `EBADFD` (the interface was removed under us), `EINVAL` (a wrong argument: `TypeError` or
 * `RangeError`; or the kernel's own refusal). The read and write calls allocate nothing.
 */

export interface TunOptions {
  /** Shorter than 16 bytes. `''` or a pattern such as `'pptp%d'` lets the kernel choose. */
  readonly name: string;
  /** One of several queues of the same device (IFF_MULTI_QUEUE); each `tunOpen` of the name adds a queue. */
  readonly multiQueue: boolean;
  /** Each packet, both ways, starts with a 10 byte `struct virtio_net_hdr` (IFF_VNET_HDR). */
  readonly vnetHdr: boolean;
}

export interface OpenTun {
  readonly fd: number;
  /** The name the kernel gave. */
  readonly name: string;
}

declare const pollHandle: unique symbol;

/** Opaque. Losing it to the garbage collector does not end the watch. */
export interface PollHandle {
  readonly [pollHandle]: true;
}

declare const tunBuffers: unique symbol;

/** Opaque: the memory that large packets of one device pass through, and what of them still waits. */
export interface TunBuffers {
  readonly [tunBuffers]: true;
}

/** 0: none. 1: TCP (TSO4, TSO6) and checksums. 2: these and UDP (USO4, USO6; Linux 6.2). */
export type OffloadLevel = 0 | 1 | 2;

export interface NativeTun {
  /** Opens a TUN device without packet information header; it disappears when its last queue is closed. */
  tunOpen(options: TunOptions): OpenTun;

  /**
   * Reads up to `max` packets, until there are no more. Packet `i` (from `start`) is put at
   * `slab[i * slotSize + headroom]`, its length in `lengths[i]`.
   *
   * The kernel cuts a packet that is longer than `slotSize - headroom`: make that larger than the MTU, and a length
   * that fills the slot exactly is a cut packet.
   *
   * @returns how many packets were read, 0 when there are none. A device error is thrown only when nothing was read.
   */
  tunReadBatch(
    fd: number,
    slab: Uint8Array,
    slotSize: number,
    headroom: number,
    lengths: Int32Array,
    max: number,
    start: number,
  ): number;

  /**
   * Writes the packets with the indices `order[from] .. order[from + count - 1]`; packet `i` is the `lengths[i]` bytes
   * at `slab[offsets[i]]`. All of them are checked against the arrays before the first is written.
   *
   * A packet that the kernel refuses (not IP: EINVAL; interface down: EIO) is skipped. Writing ends early when the
   * kernel has no room; go on later at `from + accepted + result[0]`.
   *
   * @param result `[0]` becomes the number of skipped packets; `[1]`, where present, how many of them were skipped
   *   because the interface is down.
   * @returns how many packets were accepted. A device error is thrown only when no packet was accepted or skipped.
   */
  tunWriteBatch(
    fd: number,
    slab: Uint8Array,
    offsets: Int32Array,
    lengths: Int32Array,
    order: Int32Array,
    from: number,
    count: number,
    result: Int32Array,
  ): number;

  /**
   * Says which work of the kernel a device opened with `vnetHdr` takes over (TUNSETOFFLOAD). From 1 on, packets must be
   * read with `tunReadSegments`. `EINVAL`: this kernel does not know the level.
   */
  tunSetOffloads(fd: number, level: OffloadLevel): void;

  /** Memory for one device (about 140 KB, and what waits: 4 MB of packets at most). `level` says what `tunWriteCoalesced` joins. */
  tunBuffers(level: OffloadLevel): TunBuffers;

  /**
   * As `tunReadBatch`, for a device with `vnetHdr`: without that header, with checksums, and large packets cut into
   * segments of the size that the kernel asked for (IPv4 identification, TCP sequence numbers and flags follow). Segments
   * of a packet that do not fit are the first of the next call.
   *
   * When the slots are full, more is read ahead (64 packets or 512 KB a call) and queued by destination address: what was
   * read ahead comes first in later calls, each destination in its turn of about 8 KB, one that had nothing waiting before
   * those that had. Packets to a destination keep their order. At most 1024 packets and 4 MB wait; the longest queue loses
   * its oldest packet.
   *
   * A packet that cannot be brought into slots of this size is one packet of length `slotSize - headroom`: drop it.
   *
   * @param waiting `[0]` becomes 1 while segments wait in `buffers`: the descriptor does not tell of these, so read
   *   again. It is set only when the call returns. `[1]`, where present, becomes the number of packets dropped so far
   *   for want of room in the queue, modulo 2^31.
   */
  tunReadSegments(
    fd: number,
    buffers: TunBuffers,
    slab: Uint8Array,
    slotSize: number,
    headroom: number,
    lengths: Int32Array,
    max: number,
    start: number,
    waiting: Int32Array,
  ): number;

  /**
   * As `tunWriteBatch`, for a device with `vnetHdr`: successive packets of one TCP or UDP flow are handed over as one
   * where the kernel, cutting it again, would make the same packets (of IPv4 packets that forbid fragmentation, all but
   * the identification). Their checksums are verified first; a packet with a wrong one goes alone, as it is. Packets of
   * a flow keep their order; other flows may be passed.
   *
   * Every packet is accepted or refused; nothing is left for later. `count` is at most 256.
   *
   * @param refused `refused[0 .. count - accepted)` become the indices of the packets that were refused.
   * @returns how many packets were accepted. A device error is thrown only when there are none.
   */
  tunWriteCoalesced(
    fd: number,
    buffers: TunBuffers,
    slab: Uint8Array,
    offsets: Int32Array,
    lengths: Int32Array,
    order: Int32Array,
    from: number,
    count: number,
    refused: Int32Array,
  ): number;

  /**
   * Calls `onReadable` from the event loop of this thread for as long as `fd` is readable (level triggered) or in
   * error; read it to learn which. The watch keeps the loop alive until `pollStop` or `closeFd`. What `onReadable`
   * throws becomes an `uncaughtException`; the watch goes on.
   *
   * @throws `EEXIST` when this thread watches the descriptor already, `EPERM` for a descriptor that cannot be watched.
   */
  pollStart(fd: number, onReadable: () => void): PollHandle;

  /** Idempotent; also allowed inside `onReadable`, which is not called again. */
  pollStop(handle: PollHandle): void;

  /**
   * Takes over a descriptor that was inherited from another process, as if it had been opened here: it is not blocking,
   * children do not inherit it, and `closeFd` closes it. `EBADF`: it is none. `EEXIST`: it is of this addon already.
   */
  adoptFd(fd: number): void;

  /** Ends the watch on a descriptor opened here, and closes it. `EBADF` for any other, also for one closed before. */
  closeFd(fd: number): void;
}
