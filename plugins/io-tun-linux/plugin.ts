import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { LinuxTunDevice, type LinuxTunOptions } from './linux-tun-device.ts';

/** Binds the TUN device: a Linux interface through the project's own addon. */
export const linuxTunPlugin = definePlugin<LinuxTunOptions>({
  name: 'io-tun-linux',
  api: PLUGIN_API,
  register({ bind }, options) {
    bind(TOKENS.Tun).toResolvedValue(
      (telemetry, log) => new LinuxTunDevice({ telemetry, log }, options),
      [TOKENS.Telemetry, TOKENS.Log],
    );
  },
});
