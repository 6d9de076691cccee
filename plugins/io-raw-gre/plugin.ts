import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { type RawGreOptions, RawGreSocket } from './raw-gre-socket.ts';

/** Binds the GRE socket: the portable driver over the package raw-socket. */
export const rawGrePlugin = definePlugin<RawGreOptions>({
  name: 'io-raw-gre',
  api: PLUGIN_API,
  register({ bind }, options) {
    bind(TOKENS.GreSocket).toResolvedValue(
      (telemetry, log) => new RawGreSocket({ telemetry, log }, options),
      [TOKENS.Telemetry, TOKENS.Log],
    );
  },
});
