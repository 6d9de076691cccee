import { describe, expect, it } from 'vitest';
import {
  bits64,
  formatIpv6,
  formatPrefix64,
  maskBits64,
  parseIpv6,
  parseIpv6Network,
} from '../../../../core/bytes/ipv6-address.ts';

const round = (text: string): string | undefined => {
  const parsed = parseIpv6(text);
  return parsed && formatIpv6(parsed);
};

describe('IPv6 addresses as text', () => {
  it.each([
    // RFC 5952 section 4.
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:DB8::A', '2001:db8::a'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['fe80::1:2:3:4', 'fe80::1:2:3:4'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ])('%s is %s', (text, canonical) => {
    expect(round(text)).toBe(canonical);
  });

  it.each([
    '',
    ':',
    ':::',
    '1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '12345::',
    'g::',
    '1:2:3:4:5:6:7:8::',
    '::1%eth0',
    '192.0.2.1',
    '::192.0.2.256',
    '1.2.3.4::',
    ' ::1',
    '::1.2.3.4:5',
  ])('%j is none', (text) => {
    expect(parseIpv6(text)).toBeUndefined();
  });

  it('networks have their host bits zero', () => {
    expect(parseIpv6Network('fd00:99::/48')).toEqual({
      prefix: bits64(0xfd000099, 0),
      prefixLength: 48,
      text: 'fd00:99::/48',
    });
    for (const wrong of ['fd00:99::1/48', 'fd00:99:0:1::/48', 'fd00::/65', 'fd00::', 'fd00::/', '::/-1']) {
      expect(parseIpv6Network(wrong)).toBeUndefined();
    }
    expect(parseIpv6Network('::/0')?.prefixLength).toBe(0);
    expect(formatPrefix64(bits64(0xfd000099, 1))).toBe('fd00:99:0:1::/64');
  });

  it.each([
    [0, 0, 0],
    [1, 0x80000000, 0],
    [32, 0xffffffff, 0],
    [33, 0xffffffff, 0x80000000],
    [48, 0xffffffff, 0xffff0000],
    [64, 0xffffffff, 0xffffffff],
  ])('the mask of /%s', (length, high, low) => {
    expect(maskBits64(length)).toEqual({ high, low });
  });
});
