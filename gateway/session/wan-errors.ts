import { GRE_CHANNEL } from '../../core/datapath/gre-channel.ts';
import type { ControlPlugin } from '../../core/ports/control.ts';
import type { Tunnel } from './tunnel.ts';

/**
 * What a Wan-Error-Notify says of a link without a modem (RFC 2637 section 2.14): CRC errors are packets that arrived
 * and did not decrypt, time-outs are GRE numbers that were waited for in vain, buffer overruns are packets for the peer
 * that found the queue full. Framing, hardware and alignment errors cannot occur.
 */
export const reportErrors = (control: ControlPlugin, tunnel: Tunnel): void => {
  const channel = tunnel.session.get(GRE_CHANNEL);
  tunnel.lostReported = channel?.queue.lost ?? 0;
  control.wanError(tunnel.session.call, {
    crc: tunnel.undecryptable,
    framing: 0,
    hardwareOverruns: 0,
    bufferOverruns: channel?.transmit?.dropped ?? 0,
    timeOuts: tunnel.lostReported,
    alignment: 0,
  });
};
