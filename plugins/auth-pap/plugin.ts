import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { papMethod } from './method.ts';

/** Binds the authentication method PAP. */
export const papPlugin = definePlugin({
  name: 'auth-pap',
  api: PLUGIN_API,
  register({ bind }) {
    bind(TOKENS.AuthMethod).toConstantValue(papMethod());
  },
});
