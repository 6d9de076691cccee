import { CONTROL_DEFAULTS, type ControlOptions } from '../../core/machine/pptp-control-types.ts';
import type { ConnectionLimitOptions, ConnectionRules } from './connection-rules.ts';
import type { SetupLimits } from './setup-admission.ts';

export interface ControlPptpOptions extends ConnectionLimitOptions {
  /** IPv4 address to listen on; "0.0.0.0" is every one. */
  readonly address: string;
  /** RFC 2637 section 1.4: 1723. 0 lets the system choose (tests). */
  readonly port: number;
  /** Stands in place of the limits here, and may change while the gateway runs. */
  readonly rules?: ConnectionRules | undefined;
  /** Calls at once on all connections; `control.maxCalls` limits one connection. */
  readonly maxCalls: number;
  /** Octets that may wait for a peer that does not read; above it the connection is closed. */
  readonly maxWriteBuffer: number;
  /** A refused connection, or one that failed, is logged at most once in this time, in ms, with the number that were not. */
  readonly refusalLogIntervalMs: number;
  /** Log lines one established connection, or all others together, may cause in a minute. */
  readonly maxNotesPerMinute: number;
  /** After the last message: how long the peer has to close its side, in ms. */
  readonly lingerMs: number;
  /** How long a control connection may be there without a call whose user has proven itself, in ms; 0: for ever. */
  readonly idleMs: number;
  /** Of set-ups when very many clients call at once. */
  readonly setups: SetupLimits;
  /**
   * Connections the kernel keeps for us to accept, at most `net.core.somaxconn`. Where there is no room, a client asks again
   * after 1, 3 and 7 s, whatever we have to do meanwhile.
   */
  readonly backlog: number;
  /** The process before hands its listener and its connections over. */
  readonly inherits?: boolean;
  /** Of the machine: names said to the peer, times, window. */
  readonly control: Partial<Omit<ControlOptions, 'role' | 'originates'>>;
}

export const CONTROL_PPTP_DEFAULTS: ControlPptpOptions = {
  address: '0.0.0.0',
  port: 1723,
  maxConnections: 5000,
  maxConnectionsPerSource: 64,
  maxCalls: 10_000,
  maxWriteBuffer: 65_536,
  refusalLogIntervalMs: 10_000,
  maxNotesPerMinute: 30,
  lingerMs: 2_000,
  idleMs: 0,
  setups: { atOnce: 512, waiting: 10_000, waitMs: 25_000 },
  backlog: 4096,
  control: CONTROL_DEFAULTS,
};
