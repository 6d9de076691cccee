// The control connection of PPTP (RFC 2637 sections 1.3.1 to 3.2): a server on TCP 1723, and a client.

export { AccessList, type AccessLists, type AccessNetwork } from './access-list.ts';
export type { BytePipe, PipeReader } from './byte-pipe.ts';
export { type ConnectOptions, connectControl, resolveServer } from './connect.ts';
export { ConnectionLimits } from './connection-limits.ts';
export { ConnectionRefusals, type RefusedConnection } from './connection-refusals.ts';
export { type ConnectionLimitOptions, type ConnectionRuleSet, ConnectionRules } from './connection-rules.ts';
export { type ConnectionSnapshot, readConnectionSnapshot } from './connection-snapshot.ts';
export {
  CONNECTION_STANDINGS,
  type ConnectionSource,
  type ConnectionStanding,
  type ConnectionTaker,
} from './connection-source.ts';
export { ControlPptp, type ControlPptpDeps, type LiveControlOptions } from './control-pptp.ts';
export { type DialledPipe, DialPptp, type DialPptpOptions } from './dial-pptp.ts';
export { holdSocket } from './held-socket.ts';
export { CONTROL_PPTP_DEFAULTS, type ControlPptpOptions } from './options.ts';
export {
  PipeControl,
  type PipeControlDeps,
  type PipeControlOptions,
  type PipeEnds,
  type PipeHappening,
} from './pipe-control.ts';
export { controlPptpPlugin } from './plugin.ts';
export { socketIpv4 } from './socket-address.ts';
export { socketPipe } from './socket-pipe.ts';
export { TcpListener, type TcpListenerOptions } from './tcp-listener.ts';
