import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { GatewayError } from '../../core/errors.ts';
import type { DropReason } from '../../core/outcome.ts';

/** The errno name of an error of the addon; '' for any other. */
const codeOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return '';
  const code: unknown = Reflect.get(cause, 'code');
  return typeof code === 'string' ? code : '';
};

export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/** Names what kept us from opening the socket, and what the operator can do. */
export const openError = (listen: Ipv4, cause: unknown): GatewayError => {
  switch (codeOf(cause)) {
    case 'EPERM':
    case 'EACCES':
      return new GatewayError(
        'NOT_ROOT',
        'A raw socket for GRE needs root or CAP_NET_RAW: start the gateway as root, or give the process that capability.',
        { cause },
      );
    case 'EADDRNOTAVAIL':
      return new GatewayError(
        'ADDRESS_UNAVAILABLE',
        `No interface of this machine has the address ${formatIpv4(listen)}. Set PPTP_LISTEN to one it has ` +
          '(ip -4 address lists them), or to 0.0.0.0 for all.',
        { cause },
      );
    default:
      return new GatewayError(
        'GRE_SOCKET',
        `The raw socket for GRE cannot be opened (${messageOf(cause)}): check that the kernel allows raw IPv4 sockets here.`,
        { cause },
      );
  }
};

/** Whether an error says that the descriptor is no socket of ours any more. */
export const isFatal = (cause: unknown): boolean => ['EBADF', 'ENOTSOCK'].includes(codeOf(cause));

export const socketDied = (cause: unknown): GatewayError =>
  new GatewayError('GRE_SOCKET', `The GRE socket died (${messageOf(cause)}): restart the gateway.`, { cause });

/** Why the kernel refused to send one packet; anything but its size is a refusal, never the end of the socket. */
export const refusalReason = (errno: number): Extract<DropReason, 'too-big' | 'device-refused'> =>
  errno === constants.errno.EMSGSIZE ? 'too-big' : 'device-refused';

/** "EMSGSIZE: message too long". */
export const describeErrno = (errno: number): string => {
  const [name, text] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'unknown error'];
  return `${name}: ${text}`;
};
