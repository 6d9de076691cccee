import type { IncomingMessage } from 'node:http';
import type { Role } from './api/roles.ts';

/** Who is at the other end of a connection. */
export interface Caller {
  /** "socket", or an address. */
  readonly from: string;
  /** What it may do. Throws AdminError where it must say who it is, or said something wrong. */
  identify(): Role;
}

/** Who may open the socket is the user of the gateway. */
export const SOCKET_CALLER: Caller = { from: 'socket', identify: () => 'admin' };

export type CallerOf = (request: IncomingMessage) => Caller;
