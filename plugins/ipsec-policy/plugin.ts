import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { IpsecPolicyHook } from './hook.ts';
import { type IpsecPolicyOptions, settings } from './options.ts';

/** Binds the hook that lets only IPsec pass to protected destinations. */
export const ipsecPolicyPlugin = definePlugin<IpsecPolicyOptions>({
  name: 'ipsec-policy',
  api: PLUGIN_API,
  settings,
  check: ({ destinations, rules }) =>
    destinations.length + rules.length === 0
      ? ['set `destinations` or `rules`: without them nothing is protected']
      : [],
  register({ bind }, options) {
    bind(TOKENS.IpsecHook).toConstantValue(new IpsecPolicyHook(options));
  },
});
