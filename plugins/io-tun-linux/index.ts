export { type LinuxTunDependencies, LinuxTunDevice, type LinuxTunOptions } from './linux-tun-device.ts';
export { loadAddon } from './load-addon.ts';
export { linuxTunPlugin } from './plugin.ts';
