import type { Observable } from 'rxjs';
import type { PacketBatch } from '../datapath/packet-batch.ts';
import type { Lifecycle } from './lifecycle.ts';

/**
 * A packet device. Batches are hot and reused: what a subscriber received is valid until it returns. The error channel
 * of `batches$` means "the device died", nothing else; it completes when the device is stopped.
 */
export interface PacketIo extends Lifecycle {
  readonly batches$: Observable<PacketBatch>;
  /**
   * Writes the live packets of the batch in order and returns how many it accepted: always a prefix of the order. Never
   * blocks and never queues without bound; the caller counts the rest as `device-refused`. Of the prefix, packets that
   * the device would not take are marked with `drop`, and the device counts them.
   */
  write(batch: PacketBatch): number;
}

/**
 * Raw IP protocol 47. Inbound packets are whole GRE packets without the outer IP header, with `outerSource` and
 * `outerDestination` set. Outbound packets are whole GRE packets; they leave from `outerSource` to `outerDestination`.
 */
export interface GreSocket extends PacketIo {
  /** Which driver this is, for the log ("raw-socket"). */
  readonly driver: string;
}

/** Inner IP packets, both ways, without any link header. */
export interface TunDevice extends PacketIo {
  /** Kernel name, known after start. */
  readonly interfaceName: string;
}
