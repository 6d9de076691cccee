import type { NativeTun } from './tun.d.ts';

/** The part of `native/build/Release/pptp_native.node` that receives and sends GRE in batches; errors as in tun.d.ts. */

export interface OpenGre {
  readonly fd: number;
  /** Octets of SO_RCVBUF and SO_SNDBUF in the kernel's accounting: twice what was asked, if it was granted. */
  readonly receiveBuffer: number;
  readonly sendBuffer: number;
}

export interface NativeGre extends Pick<NativeTun, 'pollStart' | 'pollStop' | 'adoptFd' | 'closeFd'> {
  /**
   * Opens a raw IPv4 socket of protocol 47 for the address `listen` (0: all of the host's), with kernel buffers of these
   * sizes if the system grants them. `EPERM` without CAP_NET_RAW, `EADDRNOTAVAIL` when the host lacks the address.
   *
   * With a `modulus` above 1 the kernel gives it only packets of PPTP (RFC 2637 section 4.1) whose Call ID has this
   * `residue`; residue 0 gets what is no such packet, too, so that sockets with all residues get each packet once. What
   * came before the filter was there is thrown away.
   */
  greOpen(listen: number, receiveBuffer: number, sendBuffer: number, modulus: number, residue: number): OpenGre;

  /**
   * Receives up to `max` packets into the slots from `start` on, until there are no more: one system call for 64. The
   * outer header of a packet without IP options lies in the last 20 octets of the slot's headroom.
   *
   * For each slot that was filled, `offsets[i]` and `lengths[i]` are the window of the packet behind its outer header,
   * `sources[i]` and `destinations[i]` its outer addresses. A length of -1 is a packet that was cut (by the slot, too) and
   * -2 one that is not IPv4; their addresses are 0.
   *
   * @param dropped when all `max` slots were filled, `[0]` becomes the number of packets that the kernel ever dropped
   *   because the receive buffer of this socket was full (modulo 2^32).
   * @returns how many slots were filled, 0 when there was nothing to read. A socket error is thrown only then.
   */
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
  ): number;

  /**
   * Sends the packets with the indices `order[from] .. order[from + count - 1]`, 64 with one system call; packet `i` is
   * the `lengths[i]` octets at `slab[offsets[i]]`, and goes from `sources[i]` to `destinations[i]` with an outer header
   * of TTL 64 and without DF. All of them are checked against the arrays before the first is sent.
   *
   * Sending ends early when the kernel has no room, and when `failures` is full.
   *
   * @param failures `[0]` becomes the number of packets that the kernel refused; each has its position in `order` and its
   *   errno in the next two elements. It holds at least three elements.
   * @returns how many packets were sent or refused: always a prefix. `EBADF` and `ENOTSOCK` are thrown when that is 0.
   */
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
  ): number;
}
