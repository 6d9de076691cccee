import { expect, test } from 'vitest';
import { formatIpv4 } from '../../../../core/bytes/ipv4-address.ts';
import { socketIpv4 } from '../../../../plugins/control-pptp/socket-address.ts';

test.each([
  ['203.0.113.9', '203.0.113.9'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['::FFFF:203.0.113.9', '203.0.113.9'],
])('%s is IPv4', (text, address) => {
  const parsed = socketIpv4(text);
  expect(parsed === undefined ? undefined : formatIpv4(parsed)).toBe(address);
});

test.each([['::1'], ['2001:db8::203.0.113.9'], ['::ffff:2001:1'], [''], [undefined]])('%s is not', (text) => {
  expect(socketIpv4(text)).toBeUndefined();
});
