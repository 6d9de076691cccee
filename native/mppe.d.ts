/** The part of the addon that does MPPE for whole batches (native/src/mppe.c). */
export interface NativeMppe {
  /**
   * For each of `packetCount` packets, in order: changes the key of its stream once (RFC 3078 section 7.3), then
   * encrypts or decrypts it in place under the new key. Results are those of one packet after the other. Allocates
   * nothing and never blocks.
   *
   * @param slab the octets of all packets
   * @param packets three numbers a packet: offset in `slab`, length, number of its stream
   * @param streams 48 octets a stream: start key (16), current session key (16, changed in place), strength (one octet:
   *   40, 56 or 128), the rest unused. Of keys of 8 octets the first half counts; the current one is left there twice.
   * @param keys 16 octets a packet: becomes the key that the packet was encrypted under; one of 8 octets twice
   * @throws RangeError `EINVAL` when counts, offsets or streams lie outside the arrays, before anything is changed. The
   *   arrays must not share memory.
   */
  mppeBatch(
    slab: Uint8Array,
    packets: Int32Array,
    packetCount: number,
    streams: Uint8Array,
    streamCount: number,
    keys: Uint8Array,
  ): void;
}
