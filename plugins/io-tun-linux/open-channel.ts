import type { InheritedDevice } from '../../core/ports/handover.ts';
import type { NativeTun } from '../../native/tun.d.ts';
import { OffloadChannel, PlainChannel, type TunChannel } from './tun-channel.ts';
import { codeOf, messageOf } from './tun-errors.ts';

export interface OpenedChannel {
  readonly channel: TunChannel;
  /** Why not all offloads are used. */
  readonly why?: string;
}

/** Opens the device with as many offloads as the kernel has. What it throws is an error of the kernel. */
export const openChannel = (addon: NativeTun, name: string, offloads: 'auto' | 'off'): OpenedChannel => {
  const plain = (why: string): OpenedChannel => ({
    channel: new PlainChannel(addon, addon.tunOpen({ name, multiQueue: false, vnetHdr: false })),
    why,
  });
  if (offloads === 'off') return plain('PPTP_TUN_OFFLOADS=off');
  let tun: ReturnType<NativeTun['tunOpen']>;
  try {
    tun = addon.tunOpen({ name, multiQueue: false, vnetHdr: true });
  } catch (cause) {
    // The name may be wrong as well: then the plain device says so.
    if (codeOf(cause) !== 'EINVAL') throw cause;
    return plain(`the kernel has none (${messageOf(cause)})`);
  }
  try {
    addon.tunSetOffloads(tun.fd, 2);
    return { channel: new OffloadChannel(addon, tun, 2) };
  } catch {
    // Linux before 6.2 has none for UDP.
  }
  try {
    addon.tunSetOffloads(tun.fd, 1);
    return { channel: new OffloadChannel(addon, tun, 1), why: 'the kernel has none for UDP' };
  } catch (cause) {
    addon.closeFd(tun.fd);
    return plain(`the kernel has none (${messageOf(cause)})`);
  }
};

/** The device of the process before, as that one says it was opened. */
export const inheritChannel = (addon: NativeTun, { fd, about }: InheritedDevice): OpenedChannel => {
  const [offloads, name = ''] = about.split(' ');
  addon.adoptFd(fd);
  const tun = { fd, name };
  if (offloads === 'tcp+udp' || offloads === 'tcp') {
    return { channel: new OffloadChannel(addon, tun, offloads === 'tcp' ? 1 : 2) };
  }
  return { channel: new PlainChannel(addon, tun), why: 'as the process before had it' };
};
