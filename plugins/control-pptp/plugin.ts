import type { StartCollisions } from '../../core/machine/pptp-collision.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import type { ConnectionSource } from './connection-source.ts';
import { ControlPptp } from './control-pptp.ts';
import type { ControlPptpOptions } from './options.ts';

export interface ControlPptpPluginOptions extends Partial<ControlPptpOptions> {
  /** Of a process that asks for connections, too. */
  readonly collisions?: StartCollisions | undefined;
  /** Hands connections over instead of a port that is listened on. */
  readonly source?: ConnectionSource | undefined;
}

/** Binds the control connection: PPTP's own, RFC 2637. */
export const controlPptpPlugin = definePlugin<ControlPptpPluginOptions>({
  name: 'control-pptp',
  api: PLUGIN_API,
  register({ bind }, { collisions, source, ...options }) {
    bind(TOKENS.Control).toResolvedValue(
      (clock, log, telemetry, callIds, random) =>
        new ControlPptp({ clock, log, telemetry, callIds, random, collisions, source }, options),
      [TOKENS.Clock, TOKENS.Log, TOKENS.Telemetry, TOKENS.CallIds, TOKENS.Random],
    );
  },
});
