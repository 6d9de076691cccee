import type { Schema } from 'convict';
import { either, hostName, interfaceName, ipv4Network, list, oneOf, secretText } from './formats.ts';
import { key } from './key.ts';
import type { RawConfig } from './types.ts';

/** Keys of a gateway that keeps a tunnel to another site's gateway. */
export const dialKeys = {
  dial: {
    server: key(either(oneOf('none'), hostName), {
      env: 'PPTP_DIAL_SERVER',
      default: 'none',
      doc: "Gateway of another site to keep a tunnel to; `none` dials nobody. MS-CHAPv2 and MPPE of 128 bits, whatever this gateway's own clients may use.",
    }),
    user: key(secretText, {
      env: 'PPTP_DIAL_USER',
      default: '',
      doc: 'User name at the other site.',
    }),
    password: key(secretText, {
      env: 'PPTP_DIAL_PASSWORD',
      default: '',
      sensitive: true,
      doc: 'Password at the other site.',
    }),
    routes: key(list(ipv4Network(1, 32), 'networks', 256), {
      env: 'PPTP_DIAL_ROUTES',
      default: [],
      doc: 'Networks of the other site, routed into the tunnel while it is up.',
    }),
    tun: key(interfaceName, {
      env: 'PPTP_DIAL_TUN',
      default: 'pptp-site0',
      doc: 'Name of the tunnel device to the other site.',
    }),
  },
} satisfies Schema<Pick<RawConfig, 'dial'>>;
