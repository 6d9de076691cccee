import { definePlugin, PLUGIN_API, TOKENS } from 'pptp-gateway/core';
import { AcmeAuthenticator } from './authenticator.ts';
import { type AcmeOptions, acmeSettings } from './settings.ts';

/** PPTP_PLUGINS names this package; the gateway reads its settings, checks them, and calls `register` once. */
export default definePlugin<AcmeOptions>({
  name: 'acme-webhook',
  api: PLUGIN_API,
  settings: acmeSettings,
  register({ bind }, options) {
    bind(TOKENS.Authenticator).toResolvedValue((clock) => new AcmeAuthenticator(options, clock), [TOKENS.Clock]);
  },
});
