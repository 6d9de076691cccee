import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { UserFileAuthenticator } from './authenticator.ts';

/** Binds the embedded user store. */
export const userFilePlugin = definePlugin<{ readonly file: string }>({
  name: 'backend-user-file',
  api: PLUGIN_API,
  register({ bind }, { file }) {
    bind(TOKENS.Authenticator).toResolvedValue((log) => new UserFileAuthenticator(file, log), [TOKENS.Log]);
  },
});
