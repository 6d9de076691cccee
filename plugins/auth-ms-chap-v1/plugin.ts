import type { ChapAuthenticatorOptions } from '../../core/machine/chap-authenticator.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { msChapV1Method } from './method.ts';

/** Binds the authentication method MS-CHAPv1. */
export const msChapV1Plugin = definePlugin<Partial<ChapAuthenticatorOptions>>({
  name: 'auth-ms-chap-v1',
  api: PLUGIN_API,
  register({ bind }, options) {
    bind(TOKENS.AuthMethod).toConstantValue(msChapV1Method(options));
  },
});
