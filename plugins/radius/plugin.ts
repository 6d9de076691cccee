import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { type AccountingSettings, accountingSettings } from './accounting/index.ts';
import { bindAccounting, bindCoa } from './bind-accounting.ts';
import { bindAuth } from './bind-auth.ts';
import { type CoaSettings, coaSettings } from './coa/index.ts';
import { checkServers, SERVER_SETTINGS, type ServerOptions } from './settings.ts';

export type RadiusOptions = ServerOptions & AccountingSettings & CoaSettings;

/** RADIUS: authentication (RFC 2865, RFC 2548), EAP (RFC 3579), accounting (RFC 2866), CoA and Disconnect (RFC 5176). */
export const radiusPlugin = definePlugin<RadiusOptions>({
  name: 'radius',
  api: PLUGIN_API,
  settings: { ...SERVER_SETTINGS, ...accountingSettings, ...coaSettings },
  check: (options) => [...checkServers(options)],
  register({ bind }, _options, live) {
    bindAuth(bind, live);
    bindAccounting(bind, live);
    bindCoa(bind, live);
  },
});
