import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { type BatchGreOptions, BatchGreSocket } from './batch-gre-socket.ts';

/** Binds the GRE socket: the fast driver over the project's own addon. */
export const batchGrePlugin = definePlugin<BatchGreOptions>({
  name: 'io-batch-gre',
  api: PLUGIN_API,
  register({ bind }, options) {
    bind(TOKENS.GreSocket).toResolvedValue(
      (telemetry, log) => new BatchGreSocket({ telemetry, log }, options),
      [TOKENS.Telemetry, TOKENS.Log],
    );
  },
});
