import { type Finding, reporter } from '../finding.ts';

export interface DeviceFacts {
  /** Undefined: /dev/net/tun opens. */
  readonly tunError: 'missing' | 'refused' | undefined;
  /** What loading the TUN addon threw. */
  readonly addonError: string | undefined;
}

const tun = reporter('tun');
const addon = reporter('addon');

/** The tunnel device and our addon that drives it. */
export const checkDevices = ({ tunError, addonError }: DeviceFacts): readonly Finding[] => [
  tunError === undefined
    ? tun.ok('/dev/net/tun can be opened.')
    : tun.fail(
        tunError === 'missing' ? 'There is no /dev/net/tun.' : '/dev/net/tun cannot be opened by this user.',
        'Load the module (modprobe tun), hand the device to the container (--device /dev/net/tun), or run as root.',
      ),
  addonError === undefined ? addon.ok('The TUN addon loads.') : addon.fail('The TUN addon does not load.', addonError),
];
