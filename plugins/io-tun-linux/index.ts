export { type LinuxTunDependencies, LinuxTunDevice, type LinuxTunOptions } from './linux-tun-device.ts';
export { linuxTunPlugin } from './plugin.ts';
