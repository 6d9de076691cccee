import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  KernelReader,
  openDescriptors,
  parseDeviceDrops,
  parseRawSockets,
} from '../../../../observability/metrics/kernel.ts';

const RAW = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
    1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 9
   47: 00000000:002F 00000000:0000 07 00000010:00034500 00:00000000 00000000     0        0 81002 2 0000000000000000 1234
   47: 0100007F:002F 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 81003 2 0000000000000000 0
`;

const DEV = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 37668638  169876    0    0    0     0          0         0 37668638  169876    0    0    0     0       0          0
 pptp0:     100       2    0    3    0     0          0         0      200       4    0   55    0     0       0          0
pptp01:       0       0    0    0    0     0          0         0        0       0    0    1    0     0       0          0
`;

describe('/proc/net/raw', () => {
  test('gives the queues and drops of GRE sockets', () => {
    expect(parseRawSockets(RAW)).toEqual([
      { inode: '81002', queuedIn: 0x34500, queuedOut: 0x10, dropped: 1234 },
      { inode: '81003', queuedIn: 0, queuedOut: 0, dropped: 0 },
    ]);
  });

  test.each(['', 'x', RAW.slice(0, 150), RAW.replaceAll('00000010:', 'zz:')])(
    '%j has what can be read of it',
    (text) => {
      expect(parseRawSockets(text).every(({ dropped }) => Number.isSafeInteger(dropped))).toBe(true);
    },
  );
});

describe('/proc/net/dev', () => {
  test('gives the drops of one device', () => {
    expect(parseDeviceDrops(DEV, 'pptp0')).toEqual({ droppedIn: 3, droppedOut: 55 });
    expect(parseDeviceDrops(DEV, 'pptp01')).toEqual({ droppedIn: 0, droppedOut: 1 });
  });

  test('has nothing about a device that is not there', () => {
    expect(parseDeviceDrops(DEV, 'pptp')).toBeUndefined();
    expect(parseDeviceDrops('', 'pptp0')).toBeUndefined();
    expect(parseDeviceDrops(' pptp0: 1 2 3', 'pptp0')).toBeUndefined();
  });
});

describe('this process', () => {
  test('has no GRE socket, and a loop device that has dropped some number of packets', () => {
    const { gre, tun } = new KernelReader().read('lo');
    expect(gre).toBeUndefined();
    expect(tun).toEqual({ droppedIn: expect.any(Number), droppedOut: expect.any(Number) });
  });

  test('knows how many descriptors are open', () => {
    expect(openDescriptors()).toBeGreaterThan(2);
    expect(Math.abs((openDescriptors() ?? 0) - readdirSync('/proc/self/fd').length)).toBeLessThan(50);
  });
});
