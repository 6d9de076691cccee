import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { ControlPptp } from './control-pptp.ts';
import type { ControlPptpOptions } from './options.ts';

/** Binds the control connection: PPTP's own, RFC 2637. */
export const controlPptpPlugin = definePlugin<Partial<ControlPptpOptions>>({
  name: 'control-pptp',
  api: PLUGIN_API,
  register({ bind }, options) {
    bind(TOKENS.Control).toResolvedValue(
      (clock, log, telemetry, callIds, random) => new ControlPptp({ clock, log, telemetry, callIds, random }, options),
      [TOKENS.Clock, TOKENS.Log, TOKENS.Telemetry, TOKENS.CallIds, TOKENS.Random],
    );
  },
});
