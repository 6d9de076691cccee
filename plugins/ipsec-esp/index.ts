export { ipsecEspPlugin, ipsecEspPlugin as default } from './plugin.ts';
