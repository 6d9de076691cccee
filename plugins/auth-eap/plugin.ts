import { GatewayError } from '../../core/errors.ts';
import type { EapMethod } from '../../core/ports/eap.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { eapMd5 } from './md5.ts';
import { eapMethod } from './method.ts';
import { eapMsChapV2 } from './ms-chap-v2.ts';

export interface EapPluginOptions {
  /** Names of EAP methods, best first. */
  readonly methods: readonly string[];
  /** Passwords a peer may try in one exchange. */
  readonly maxAttempts: number;
  /** Whether servers elsewhere are asked first: `auto` where a plug-in brings a relay; `on` is an error where none does. */
  readonly relay?: 'auto' | 'on' | 'off';
}

const NO_RELAY =
  'PPTP_EAP_RELAY is `on`, but no plug-in takes EAP to a server: name one in PPTP_PLUGINS (`radius`), or set it to `auto`';

/** Binds the authentication method EAP, and the EAP methods MD5 and MS-CHAPv2; other plug-ins may bind more. */
export const eapPlugin = definePlugin<EapPluginOptions>({
  name: 'auth-eap',
  api: PLUGIN_API,
  register({ bind }, { methods, maxAttempts, relay = 'auto' }) {
    bind(TOKENS.EapMethod).toConstantValue(eapMd5());
    bind(TOKENS.EapMethod).toConstantValue(eapMsChapV2({ maxAttempts }));
    bind(TOKENS.AuthMethod).toDynamicValue(({ getAll }) => {
      const relays = relay === 'off' ? [] : getAll(TOKENS.EapRelay);
      if (relay === 'on' && relays.length === 0) throw new GatewayError('CONFIG_INVALID', NO_RELAY);
      return eapMethod(choose(methods, getAll(TOKENS.EapMethod)), {}, relays);
    });
  },
});

/** In the order of the names. */
function choose(names: readonly string[], methods: readonly EapMethod[]): readonly EapMethod[] {
  return names.map((name) => {
    const method = methods.find((one) => one.name === name);
    if (method !== undefined) return method;
    const known = methods.map((one) => one.name).join(', ');
    throw new GatewayError('CONFIG_INVALID', `PPTP_EAP_METHODS names ${name}; known are: ${known}`);
  });
}
