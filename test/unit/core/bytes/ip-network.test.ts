import { describe, expect, it } from 'vitest';
import { holdsIpv4, holdsIpv6At, type IpNetwork, parseIpNetwork } from '../../../../core/bytes/ip-network.ts';
import { writeIpv6 } from '../../../../core/bytes/ipv6-address.ts';
import { address } from '../../../support/batches.ts';
import { address6 } from '../../../support/ipv6-packets.ts';

const network = (text: string): IpNetwork => {
  const parsed = parseIpNetwork(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};

const holds6 = (networks: readonly IpNetwork[], text: string): boolean => {
  const b = new Uint8Array(16);
  writeIpv6(b, 0, address6(text));
  return holdsIpv6At(networks, b, 0);
};

describe('a network of either family', () => {
  it('is read with and without a length, and holds what it says', () => {
    const networks = ['10.9.0.0/16', '192.0.2.7', 'fd00:9::/33', '2001:db8::5'].map(network);
    expect(
      ['10.9.255.1', '10.8.255.255', '192.0.2.7', '192.0.2.8'].map((one) => holdsIpv4(networks, address(one))),
    ).toEqual([true, false, true, false]);
    expect(
      ['fd00:9:7fff::1', 'fd00:9:8000::', '2001:db8::5', '2001:db8::4', '::10.9.0.1'].map((one) =>
        holds6(networks, one),
      ),
    ).toEqual([true, false, true, false, false]);
    expect(holdsIpv4([network('0.0.0.0/0')], address('255.255.255.255'))).toBe(true);
    expect(holds6([network('::/0')], 'ffff::1')).toBe(true);
  });

  it('is nothing else', () => {
    for (const text of [
      '',
      '10.9.0.1/16',
      '10.9.0.0/33',
      'fd00::/129',
      'fd00::1/64',
      'host',
      '10.0.0.0/',
      '10.0.0/8',
    ]) {
      expect([text, parseIpNetwork(text)]).toEqual([text, undefined]);
    }
  });
});
