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
}

/** Binds the authentication method EAP, and the EAP methods MD5 and MS-CHAPv2; other plug-ins may bind more. */
export const eapPlugin = definePlugin<EapPluginOptions>({
  name: 'auth-eap',
  api: PLUGIN_API,
  register({ bind }, { methods, maxAttempts }) {
    bind(TOKENS.EapMethod).toConstantValue(eapMd5());
    bind(TOKENS.EapMethod).toConstantValue(eapMsChapV2({ maxAttempts }));
    bind(TOKENS.AuthMethod).toDynamicValue(({ getAll }) => eapMethod(choose(methods, getAll(TOKENS.EapMethod))));
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
