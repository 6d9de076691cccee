import { GatewayError } from '../../core/errors.ts';

const codeOf = (cause: unknown): string => {
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return 'unknown';
  return typeof cause.code === 'string' ? cause.code : 'unknown';
};

/** Why the TCP port could not be opened, in a sentence that says what to do. */
export const listenError = (cause: unknown, address: string, port: number): GatewayError => {
  const where = `${address} port ${port}`;
  const options = { cause };
  switch (codeOf(cause)) {
    case 'EADDRINUSE':
      return new GatewayError(
        'PORT_TAKEN',
        `TCP ${where} is in use by another program. Stop it (ss -ltnp 'sport = :${port}' names it), or choose another port with PPTP_PORT.`,
        options,
      );
    case 'EACCES':
    case 'EPERM':
      return new GatewayError(
        'NOT_ROOT',
        `No permission to listen on TCP ${where}. Start the gateway as root or with CAP_NET_BIND_SERVICE, or choose a port above 1023 with PPTP_PORT.`,
        options,
      );
    case 'EADDRNOTAVAIL':
      return new GatewayError(
        'ADDRESS_UNAVAILABLE',
        `No interface of this machine has the address ${address}. Set PPTP_LISTEN to one it has (ip -4 address lists them), or to 0.0.0.0 for all.`,
        options,
      );
    default:
      return new GatewayError(
        'ADDRESS_UNAVAILABLE',
        `Cannot listen on TCP ${where} (${codeOf(cause)}). Set PPTP_LISTEN to an IPv4 address of this machine and PPTP_PORT to a port from 1 to 65535.`,
        options,
      );
  }
};
