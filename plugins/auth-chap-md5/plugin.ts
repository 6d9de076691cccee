import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { chapMd5Method } from './method.ts';

/** Binds the authentication method CHAP with MD5. */
export const chapMd5Plugin = definePlugin({
  name: 'auth-chap-md5',
  api: PLUGIN_API,
  register({ bind }) {
    bind(TOKENS.AuthMethod).toConstantValue(chapMd5Method());
  },
});
