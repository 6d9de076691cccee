/** EAP that RADIUS servers judge. */
export { RadiusEapRelay, type RadiusEapRelayDeps, type RadiusEapRelayOptions } from './radius-eap-relay.ts';
