import type { ChapAuthenticatorOptions } from '../../core/machine/chap-authenticator.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { msChapV2Method } from './method.ts';

/** Binds the authentication method MS-CHAPv2. */
export const msChapV2Plugin = definePlugin<Partial<ChapAuthenticatorOptions>>({
  name: 'auth-ms-chap-v2',
  api: PLUGIN_API,
  register({ bind }, options) {
    bind(TOKENS.AuthMethod).toConstantValue(msChapV2Method(options));
  },
});
