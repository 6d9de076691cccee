import { describe, expect, test } from 'vitest';
import { fromHex } from '../../../../core/bytes/hex.ts';
import { formatIpv4 } from '../../../../core/bytes/ipv4-address.ts';
import { parseGreRefusal } from '../../../../plugins/io-raw-gre/gre-refusals.ts';

// 192.0.2.254 to 192.0.2.1: ICMP destination unreachable, protocol unreachable, about GRE from 192.0.2.1 to 198.51.100.7.
const OUTER = '45c00038000000004001f5f0c00002fec0000201';
const ICMP = '0302fcfd00000000';
const ABOUT = '4500001c00000000402f8c16c0000201c6336407';
const GRE = '3081880b00000005';

const refusal = (hex: string) => parseGreRefusal(fromHex(hex));

describe('ICMP about GRE', () => {
  test('who refuses what', () => {
    const seen = refusal(OUTER + ICMP + ABOUT + GRE);
    expect(seen?.code).toBe(2);
    expect(seen && [formatIpv4(seen.from), formatIpv4(seen.to)]).toEqual(['192.0.2.254', '198.51.100.7']);
  });

  test.each([
    ['an echo', OUTER + ICMP.replace('0302', '0800') + ABOUT + GRE],
    ['one about TCP', OUTER + ICMP + ABOUT.replace('402f', '4006') + GRE],
    ['GRE itself', OUTER.replace('4001', '402f') + ICMP + ABOUT + GRE],
    ['half of one', (OUTER.replace('0038', '0024') + ICMP + ABOUT).slice(0, 72)],
    ['nothing', ''],
  ])('%s is none', (_, hex) => expect(refusal(hex)).toBeUndefined());
});
