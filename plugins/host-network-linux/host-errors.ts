import { GatewayError } from '../../core/errors.ts';
import type { Command, CommandResult } from './host-system.ts';

const PACKAGE = { ip: 'iproute2', nft: 'nftables' } as const;

const spell = (command: Command): string => [command.program, ...command.args].join(' ');

/** Whose changes these are: the advice differs. */
export type Owner = 'gateway' | 'dial';

const BY_HAND = 'or set PPTP_NETWORK_MANAGE=false and set up the host yourself.';
const REFUSED: Readonly<Record<Owner, string>> = {
  gateway: `start the gateway as root or with CAP_NET_ADMIN, ${BY_HAND}`,
  dial: 'run dial as root or with CAP_NET_ADMIN.',
};
const FAILED: Readonly<Record<Owner, string>> = {
  gateway: `check the network settings of the configuration against this host, ${BY_HAND}`,
  dial: 'check --route and --tun against the routes and interfaces of this host (ip route, ip link).',
};

/** HOST_REFUSED: the same command a minute later would fail again. HOST_NETWORK: it may not. */
export const commandError = (command: Command, result: CommandResult, owner: Owner = 'gateway'): GatewayError => {
  if (result.missing) {
    const needed = PACKAGE[command.program];
    return new GatewayError(
      'HOST_REFUSED',
      `The program "${command.program}" is not installed: apt-get install ${needed} (Debian package ${needed}).`,
    );
  }
  const why = result.stderr.trim().replace(/\s*\n\s*/g, '; ');
  if (/Operation not permitted|you must be root|Permission denied/i.test(why)) {
    return new GatewayError('HOST_REFUSED', `"${spell(command)}" was refused (${why}): ${REFUSED[owner]}`);
  }
  return new GatewayError(
    'HOST_NETWORK',
    `"${spell(command)}" failed with status ${result.code} (${why}): ${FAILED[owner]}`,
  );
};

export const sysctlError = (path: string, value: string, cause: unknown): GatewayError => {
  const key = path.replace('/proc/sys/', '').replaceAll('/', '.');
  const why = cause instanceof Error ? cause.message : String(cause);
  return new GatewayError(
    'HOST_REFUSED',
    `The kernel setting ${key} cannot be set to ${value} (${why}): run the gateway as root; in a container whose ` +
      `/proc/sys is read-only, start it with --sysctl ${key}=${value}.`,
    { cause },
  );
};

/** What `ip` says when the thing to be taken away is gone already, for instance with the tunnel device. */
export const isGone = (result: CommandResult): boolean =>
  /No such process|Cannot find device|Device not found|Cannot assign requested address|Address not found|No such device|does not exist/.test(
    result.stderr,
  );
