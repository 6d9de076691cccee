import { isHostOf } from '../../config/formats.ts';
import type { GatewayConfig } from '../../config/types.ts';
import { formatIpv4 } from '../../core/bytes/ipv4-address.ts';
import { GatewayError } from '../../core/errors.ts';
import type { ClientNetwork } from './pptp-client.ts';

/**
 * Throws GatewayError HOST_REFUSED: an address of the other site that is one of this gateway's own would take it from this
 * gateway's clients, and lead nowhere. Both sites have the same pool unless they are told otherwise.
 */
export const checkAddresses = (
  { address, gateway }: Pick<ClientNetwork, 'address' | 'gateway'>,
  { range, gatewayAddress }: Pick<GatewayConfig['pool'], 'range' | 'gatewayAddress'>,
): void => {
  const ours = [address, gateway].find((one) => one === gatewayAddress || isHostOf(range, one));
  if (ours === undefined) return;
  throw new GatewayError(
    'HOST_REFUSED',
    `${formatIpv4(ours)} of the other site is in this gateway's own pool ${range.text}: give one of the two sites ` +
      'another PPTP_POOL.',
  );
};

const SETTINGS: readonly (readonly [asked: string, here: string])[] = [
  ['--route', 'PPTP_DIAL_ROUTES'],
  ['--tun', 'PPTP_DIAL_TUN'],
  ['PPTP_TUN_NAME', 'PPTP_DIAL_TUN'],
  ['run dial as root', 'run the gateway as root'],
];

/** Advice that is meant for `dial`, or for the gateway's own device, in the words of the site's settings. */
export const inSettings = (advice: string): string =>
  SETTINGS.reduce((text, [asked, here]) => text.replaceAll(asked, here), advice);
