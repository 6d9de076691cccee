// The control connection of PPTP as a server (RFC 2637 sections 1.3.1 to 3.2) on TCP 1723.
export { ControlPptp, type ControlPptpDeps } from './control-pptp.ts';
export { CONTROL_PPTP_DEFAULTS, type ControlPptpOptions } from './options.ts';
export { controlPptpPlugin } from './plugin.ts';
