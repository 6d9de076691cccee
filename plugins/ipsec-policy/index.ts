export { ipsecPolicyPlugin, ipsecPolicyPlugin as default } from './plugin.ts';
