import { describe, expect, test } from 'vitest';
import { formatIpv4 } from '../../../../core/bytes/ipv4-address.ts';
import { parseListeners, parseRawSockets, parseRoutes } from '../../../../gateway/doctor/host/proc-net.ts';
import { isOurs } from '../../../../gateway/doctor/host/processes.ts';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const row = (local: string, state: string, inode: number): string =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000 100 0 0 10 0`;

describe('tables of /proc/net', () => {
  test('listening sockets of IPv4', () => {
    const table = [
      HEAD,
      row('00000000:06BB', '0A', 510),
      row('0100007F:0050', '01', 511),
      row('010200C0:06BB', '0A', 9),
      '',
    ];
    expect(parseListeners(table.join('\n'), true)).toEqual([
      { address: '0.0.0.0', port: 1723, inode: '510' },
      { address: '192.0.2.1', port: 1723, inode: '9' },
    ]);
  });

  test('listening sockets of IPv6: any, mapped, others', () => {
    const table = [
      HEAD,
      row('00000000000000000000000000000000:06BB', '0A', 1),
      row('0000000000000000FFFF0000010200C0:06BB', '0A', 2),
      row('00000000000000000000000001000000:06BB', '0A', 3),
    ];
    expect(parseListeners(table.join('\n'), true).map(({ address }) => address)).toEqual([
      '::',
      '192.0.2.1',
      '00000000000000000000000001000000',
    ]);
  });

  test('big-endian machines print addresses the other way round', () => {
    expect(parseListeners([HEAD, row('C0000201:06BB', '0A', 1)].join('\n'), false)[0]?.address).toBe('192.0.2.1');
  });

  test('raw sockets of one protocol', () => {
    const table = [HEAD, row('00000000:002F', '07', 77), row('00000000:0001', '07', 78)];
    expect(parseRawSockets(table.join('\n'), 47)).toEqual(['77']);
  });

  test('routes that are up', () => {
    const table = [
      'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
      'eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0',
      'eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
      'vpn0\t0700000A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0',
      'old0\t0000000A\t00000000\t0000\t0\t0\t0\t000000FF\t0\t0\t0',
    ].join('\n');
    const routes = parseRoutes(table, true).map(
      ({ interfaceName, network, prefixLength }) => `${interfaceName} ${formatIpv4(network)}/${prefixLength}`,
    );
    expect(routes).toEqual(['eth0 0.0.0.0/0', 'eth0 192.0.2.0/24', 'vpn0 10.0.0.7/32']);
  });
});

describe('processes of ours', () => {
  test.each([
    [['/usr/bin/node', '/opt/pptp/dist/gateway/main.js', 'run'], true],
    [['node', 'setup/start.mjs'], true],
    [['/usr/local/bin/pptp-gateway', 'run'], true],
    [['node', 'server.js', 'gateway', 'x/gateway/main.js'], false],
    [['/usr/sbin/accel-pppd', '-c', '/etc/pptp-gateway'], false],
    [[''], false],
  ])('%j', (words, ours) => expect(isOurs(words)).toBe(ours));
});
