import { endianness } from 'node:os';
import { formatIpv4, type Ipv4, ipv4 } from '../../../core/bytes/ipv4-address.ts';
import type { HostRoute } from '../checks/pool.ts';

// Tables of /proc/net: the kernel prints addresses as numbers of its own byte order, in hexadecimal.

export interface ListeningSocket {
  readonly address: string;
  readonly port: number;
  readonly inode: string;
}

const LISTEN = '0A';
const LITTLE = endianness() === 'LE';

const address4 = (hex: string, little: boolean): Ipv4 => {
  const number = Number.parseInt(hex, 16);
  if (!little) return ipv4(number);
  return ipv4(
    ((number & 0xff) << 24) | ((number & 0xff00) << 8) | ((number >>> 8) & 0xff00) | ((number >>> 24) & 0xff),
  );
};

/** IPv4 dotted, of IPv6 only what matters: `::`, the dotted address of a mapped one, or the digits. */
const addressOf = (hex: string, little: boolean): string => {
  if (hex.length === 8) return formatIpv4(address4(hex, little));
  if (/^0{32}$/.test(hex)) return '::';
  const mapped = little ? '0000000000000000FFFF0000' : '00000000000000000000FFFF';
  return hex.startsWith(mapped) ? formatIpv4(address4(hex.slice(24), little)) : hex.toLowerCase();
};

const rows = (table: string): readonly (readonly string[])[] =>
  table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((row) => row.length > 1);

/** Listening sockets in the text of /proc/net/tcp or /proc/net/tcp6. */
export const parseListeners = (table: string, little = LITTLE): readonly ListeningSocket[] =>
  rows(table).flatMap(([, local = '', , state, , , , , , inode]) => {
    const [hex = '', port = ''] = local.split(':');
    if (state !== LISTEN || inode === undefined || !/^[0-9A-F]+$/.test(hex)) return [];
    return [{ address: addressOf(hex, little), port: Number.parseInt(port, 16), inode }];
  });

/** Inodes of the raw sockets of one IP protocol in the text of /proc/net/raw. */
export const parseRawSockets = (table: string, protocol: number): readonly string[] =>
  rows(table).flatMap(([, local = '', , , , , , , , inode]) =>
    Number.parseInt(local.split(':')[1] ?? '', 16) === protocol && inode !== undefined ? [inode] : [],
  );

const UP = 1;

/** Routes in use in the text of /proc/net/route. */
export const parseRoutes = (table: string, little = LITTLE): readonly HostRoute[] =>
  rows(table).flatMap(([interfaceName = '', destination = '', , flags = '', , , , mask = '']) => {
    const isHex = /^[0-9A-F]{8}$/.test(destination) && /^[0-9A-F]{8}$/.test(mask);
    if (!isHex || (Number.parseInt(flags, 16) & UP) === 0) return [];
    const inverse = ~address4(mask, little) >>> 0;
    return [{ interfaceName, network: address4(destination, little), prefixLength: Math.clz32(inverse) }];
  });
