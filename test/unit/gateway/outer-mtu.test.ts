import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { outerMtu } from '../../../gateway/outer-mtu.ts';

test('the MTU of the interface that has the address', () => {
  expect(outerMtu('127.0.0.1')).toBe(Number(readFileSync('/sys/class/net/lo/mtu', 'utf8')));
});

test('an address that no interface has tells nothing', () => {
  expect(outerMtu('192.0.2.77')).toBeUndefined();
});
