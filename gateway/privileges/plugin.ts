import type { GatewayConfig } from '../../config/types.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { runAs } from './run-as.ts';

/** Becomes the user of PPTP_RUN_AS when everything else has started, and before calls are taken. To be the last plug-in. */
export const privilegesPlugin = definePlugin<{ readonly config: GatewayConfig }>({
  name: 'privileges',
  api: PLUGIN_API,
  register({ bind }, { config }) {
    bind(TOKENS.Lifecycle).toResolvedValue(
      (log) => ({
        name: 'privileges',
        start: () =>
          new Promise<void>((resolve) => {
            runAs(config, log);
            resolve();
          }),
        stop: () => Promise.resolve(),
      }),
      [TOKENS.Log],
    );
  },
});
