import type { Log } from '../../core/ports/log.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { eapTls } from './method.ts';
import { NodeTlsEngine } from './node-tls-engine.ts';
import { type EapTlsOptions, TlsFiles } from './tls-files.ts';

/** Binds the EAP method TLS, and the check of its files at start. */
export const eapTlsPlugin = definePlugin<EapTlsOptions>({
  name: 'auth-eap-tls',
  api: PLUGIN_API,
  requires: ['auth-eap'],
  register({ bind }, options) {
    let made: TlsFiles | undefined;
    const files = (log: Log): TlsFiles => {
      made ??= new TlsFiles(options, log);
      return made;
    };
    bind(TOKENS.EapMethod).toResolvedValue(
      (log) => eapTls(new NodeTlsEngine(files(log), options.serverName)),
      [TOKENS.Log],
    );
    bind(TOKENS.Lifecycle).toResolvedValue(
      (log) => ({
        name: 'eap-tls',
        start: async () => {
          await files(log).load();
        },
        stop: () => Promise.resolve(),
      }),
      [TOKENS.Log],
    );
  },
});
