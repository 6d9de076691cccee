/** What importing a plug-in's module gives. */
export type PluginModule = Readonly<Record<string, unknown>>;

/**
 * The optional plug-ins that come with the gateway, by the bare name that PPTP_PLUGINS has for them. One that is not named
 * there is not even imported.
 */
export const SHIPPED: ReadonlyMap<string, () => Promise<PluginModule>> = new Map<string, () => Promise<PluginModule>>([
  ['exec', () => import('../../plugins/backend-exec/index.ts')],
  ['ipsec-esp', () => import('../../plugins/ipsec-esp/index.ts')],
  ['ipsec-policy', () => import('../../plugins/ipsec-policy/index.ts')],
  ['policy-access', () => import('../../plugins/policy-access/index.ts')],
  ['policy-lockout', () => import('../../plugins/policy-lockout/index.ts')],
  ['policy-profile', () => import('../../plugins/policy-profile/index.ts')],
  ['policy-sessions', () => import('../../plugins/policy-sessions/index.ts')],
  ['radius', () => import('../../plugins/radius/index.ts')],
  ['webhook', () => import('../../plugins/backend-webhook/index.ts')],
]);
