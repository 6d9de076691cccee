import { GatewayError } from '../../core/errors.ts';

export const codeOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return '';
  const code: unknown = Reflect.get(cause, 'code');
  return typeof code === 'string' ? code : '';
};
export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/** Names what kept us from opening the device, and what the operator can do. */
export const openError = (name: string, cause: unknown): GatewayError => {
  const why = messageOf(cause);
  switch (codeOf(cause)) {
    case 'EPERM':
    case 'EACCES':
      return new GatewayError(
        'NOT_ROOT',
        'A TUN device needs root or CAP_NET_ADMIN: start the gateway as root, or give the process that capability.',
        { cause },
      );
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return new GatewayError(
        'TUN_MISSING',
        'There is no usable /dev/net/tun: run "modprobe tun", or hand the device to the container ' +
          '(docker run --device /dev/net/tun).',
        { cause },
      );
    case 'EBUSY':
      return new GatewayError(
        'TUN_BUSY',
        `The tunnel device "${name}" is in use by another process: stop it, or choose another PPTP_TUN_NAME.`,
        { cause },
      );
    case 'EINVAL':
      return new GatewayError(
        'TUN_BUSY',
        `"${name}" cannot be a tunnel device (${why}): the name is not allowed or belongs to an interface of another ` +
          'kind; choose another PPTP_TUN_NAME.',
        { cause },
      );
    default:
      return new GatewayError(
        'TUN_MISSING',
        `The tunnel device "${name}" cannot be opened (${why}): check /dev/net/tun and choose another PPTP_TUN_NAME.`,
        { cause },
      );
  }
};

/** The device failed for good while it was open. */
export const deviceDied = (name: string, cause: unknown): GatewayError =>
  new GatewayError(
    'TUN_MISSING',
    `The tunnel device "${name}" is gone (${messageOf(cause)}): it was removed while the gateway ran; restart the gateway.`,
    { cause },
  );
