import { describe, expect, it } from 'vitest';
import { formatIpv4, parseIpv4 } from '../../../../../core/bytes/ipv4-address.ts';
import { bits64 } from '../../../../../core/bytes/ipv6-address.ts';
import { readAccept } from '../../../../../plugins/radius/auth/index.ts';
import { ATTRIBUTE, type Attribute, attribute, octets } from '../../../../../plugins/radius/wire/index.ts';

const address = (text: string) => parseIpv4(text) ?? expect.fail(text);
const profile = (...attributes: Attribute[]) => {
  const { profile: found, refusals } = readAccept(attributes);
  expect(refusals).toEqual([]);
  return found;
};
const refusals = (...attributes: Attribute[]) => readAccept(attributes).refusals;
const notes = (...attributes: Attribute[]) => readAccept(attributes).notes.map(({ name, why }) => `${name}: ${why}`);

describe('readAccept', () => {
  it('an empty answer is an empty profile', () => {
    expect(readAccept([])).toEqual({ userName: undefined, profile: {}, refusals: [], notes: [] });
  });

  it('addresses: fixed, chosen by the gateway, or by the user, which is noted', () => {
    expect(profile(attribute(ATTRIBUTE.framedIpAddress, address('10.1.2.3')))).toEqual({
      address: address('10.1.2.3'),
    });
    expect(profile(attribute(ATTRIBUTE.framedIpAddress, address('255.255.255.254')))).toEqual({});
    expect(profile(attribute(ATTRIBUTE.framedIpAddress, address('255.255.255.255')))).toEqual({});
    expect(notes(attribute(ATTRIBUTE.framedIpAddress, address('255.255.255.255')))).toHaveLength(1);
    expect(profile(attribute(ATTRIBUTE.framedPool, 'staff'))).toEqual({ pool: 'staff' });
    expect(notes(attribute(ATTRIBUTE.framedIpNetmask, address('255.255.255.255')))).toEqual([]);
    expect(notes(attribute(ATTRIBUTE.framedIpNetmask, address('255.255.255.0')))).toEqual([
      'Framed-IP-Netmask: 255.255.255.0 makes no route',
    ]);
  });

  it('routes in the forms that servers write', () => {
    const { routes = [] } = profile(
      attribute(ATTRIBUTE.framedRoute, '192.168.1.0/24 192.168.1.1 1'),
      attribute(ATTRIBUTE.framedRoute, '10.9.0.0/16'),
      attribute(ATTRIBUTE.framedRoute, '172.16.0.0 0.0.0.0 1'),
      attribute(ATTRIBUTE.framedRoute, '192.0.2.7/32 0.0.0.0'),
    );
    expect(routes.map(({ network, prefixLength }) => `${formatIpv4(network)}/${prefixLength}`)).toEqual([
      '192.168.1.0/24',
      '10.9.0.0/16',
      '172.16.0.0/16',
      '192.0.2.7/32',
    ]);
  });

  it.each(['', 'default', '192.168.1.1/24', '10.0.0.0/33', '10.0.0/8', '2001:db8::/32'])('no route: "%s"', (text) => {
    expect(refusals(attribute(ATTRIBUTE.framedRoute, text))).toEqual([`Framed-Route "${text}" is no network`]);
  });

  it('more than 16 routes are refused', () => {
    const routes = Array.from({ length: 17 }, (_, i) => attribute(ATTRIBUTE.framedRoute, `10.${i}.0.0/16`));
    expect(refusals(...routes)).toEqual(['there are 17 Framed-Routes, and at most 16 are possible']);
  });

  it('times', () => {
    expect(
      profile(
        attribute(ATTRIBUTE.sessionTimeout, 3600),
        attribute(ATTRIBUTE.idleTimeout, 0xffffffff),
        attribute(ATTRIBUTE.acctInterimInterval, 600),
      ),
    ).toEqual({ sessionSeconds: 3600, idleSeconds: 0x7fffffff, interimSeconds: 600 });
    expect(profile(attribute(ATTRIBUTE.acctInterimInterval, 5))).toEqual({ interimSeconds: 60 });
    expect(notes(attribute(ATTRIBUTE.acctInterimInterval, 5))).toHaveLength(1);
    expect(notes(attribute(ATTRIBUTE.terminationAction, 1))).toHaveLength(1);
    expect(notes(attribute(ATTRIBUTE.terminationAction, 0))).toEqual([]);
  });

  it('of what may be there once the first counts, and that is noted', () => {
    const two = [attribute(ATTRIBUTE.sessionTimeout, 60), attribute(ATTRIBUTE.sessionTimeout, 90)];
    expect(profile(...two)).toEqual({ sessionSeconds: 60 });
    expect(notes(...two)).toEqual(['Session-Timeout: it is there more than once, and the first counts']);
  });

  it('what this gateway does not use is noted, whatever others use it for', () => {
    const { chargeableUserIdentity, msChapDomain, eventTimestamp, acctSessionId } = ATTRIBUTE;
    for (const type of [chargeableUserIdentity, msChapDomain, eventTimestamp, acctSessionId]) {
      expect(notes(octets(type, Uint8Array.of(0, 0, 0, 1)))).toEqual([`${type.name}: this gateway has no use for it`]);
    }
  });

  it('what accounting gives back', () => {
    const classes = Array.from({ length: 9 }, (_, i) => octets(ATTRIBUTE.class, Uint8Array.of(i)));
    expect(profile(...classes).classes).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((i) => Uint8Array.of(i)));
    expect(notes(...classes)).toEqual(['Class: only the first 8 are kept']);
  });

  it('filters and rates, wherever they are said', () => {
    expect(profile(attribute(ATTRIBUTE.filterId, 'guests'))).toEqual({ filter: 'guests' });
    expect(profile(attribute(ATTRIBUTE.filterId, 'rate=10M/2.5G'), attribute(ATTRIBUTE.filterId, 'guests'))).toEqual({
      filter: 'guests',
      rate: { up: { bitsPerSecond: 10e6 }, down: { bitsPerSecond: 2.5e9 } },
    });
    expect(profile(attribute(ATTRIBUTE.filterId, 'rate=64k'))).toEqual({
      rate: { up: { bitsPerSecond: 64_000 }, down: { bitsPerSecond: 64_000 } },
    });
    expect(profile(attribute(ATTRIBUTE.filterId, 'rate=0/1M'))).toEqual({ rate: { down: { bitsPerSecond: 1e6 } } });
    expect(
      profile(attribute(ATTRIBUTE.wisprBandwidthMaxUp, 1000), attribute(ATTRIBUTE.wisprBandwidthMaxDown, 2000)),
    ).toEqual({ rate: { up: { bitsPerSecond: 1000 }, down: { bitsPerSecond: 2000 } } });
    expect(profile(attribute(ATTRIBUTE.mikrotikRateLimit, '1M/8M'))).toEqual({
      rate: { up: { bitsPerSecond: 1e6 }, down: { bitsPerSecond: 8e6 } },
    });
    expect(notes(attribute(ATTRIBUTE.mikrotikRateLimit, '1M/8M 2M/16M 1M/8M 10/10'))).toHaveLength(1);
    expect(refusals(attribute(ATTRIBUTE.filterId, 'rate=fast'))).toHaveLength(1);
    expect(refusals(attribute(ATTRIBUTE.mikrotikRateLimit, 'fast'))).toHaveLength(1);
    expect(refusals(attribute(ATTRIBUTE.filterId, 'a'), attribute(ATTRIBUTE.filterId, 'b'))).toHaveLength(1);
  });

  it('name servers, first and second', () => {
    expect(
      profile(
        attribute(ATTRIBUTE.msSecondaryDnsServer, address('10.0.0.2')),
        attribute(ATTRIBUTE.msPrimaryDnsServer, address('10.0.0.1')),
        attribute(ATTRIBUTE.msPrimaryNbnsServer, address('10.0.0.3')),
        attribute(ATTRIBUTE.msSecondaryNbnsServer, address('10.0.0.4')),
      ),
    ).toEqual({
      dns: [address('10.0.0.1'), address('10.0.0.2')],
      wins: [address('10.0.0.3'), address('10.0.0.4')],
    });
  });

  it('encryption: required or not, and with which keys', () => {
    const policy = (value: number) => attribute(ATTRIBUTE.msMppeEncryptionPolicy, value);
    const types = (value: number) => attribute(ATTRIBUTE.msMppeEncryptionTypes, value);
    expect(profile(policy(2), types(4)).encryption).toEqual({ required: true, strengths: [128] });
    expect(profile(types(6), policy(1)).encryption).toEqual({ required: false, strengths: [128, 56, 40] });
    expect(profile(types(8)).encryption).toEqual({ required: false, strengths: [56] });
    expect(profile(policy(2)).encryption).toEqual({ required: true });
    expect(refusals(policy(3))).toEqual(['MS-MPPE-Encryption-Policy 3 is unknown']);
  });

  it('IPv6: a /64, and nothing else', () => {
    const prefix = (prefixLength: number) =>
      attribute(ATTRIBUTE.framedIpv6Prefix, {
        prefix: { prefix: bits64(0x20010db8, 0x00010000), interfaceId: bits64(0, 0) },
        prefixLength,
      });
    expect(profile(prefix(64))).toEqual({ ipv6Prefix: bits64(0x20010db8, 0x00010000) });
    expect(refusals(prefix(56))).toHaveLength(1);
    expect(notes(attribute(ATTRIBUTE.framedIpv6Pool, 'six'))).toEqual([
      'Framed-IPv6-Pool: this gateway has no use for it',
    ]);
  });

  it('a service that is not PPP is refused', () => {
    expect(refusals(attribute(ATTRIBUTE.serviceType, 2), attribute(ATTRIBUTE.framedProtocol, 1))).toEqual([]);
    expect(refusals(attribute(ATTRIBUTE.serviceType, 6))).toEqual(['Service-Type is 6, not Framed']);
    expect(refusals(attribute(ATTRIBUTE.framedProtocol, 2))).toEqual(['Framed-Protocol is 2, not PPP']);
    expect(refusals(attribute(ATTRIBUTE.portLimit, 0))).toHaveLength(1);
    expect(refusals(attribute(ATTRIBUTE.portLimit, 1))).toEqual([]);
  });

  it('a value of a wrong form is refused by name', () => {
    expect(refusals(octets(ATTRIBUTE.sessionTimeout, Uint8Array.of(1, 2)))).toEqual(['Session-Timeout is no integer']);
    expect(refusals(octets(ATTRIBUTE.framedIpAddress, new Uint8Array(0)))).toEqual([
      'Framed-IP-Address is no IPv4 address',
    ]);
  });

  it('messages are joined, and made printable', () => {
    expect(
      profile(attribute(ATTRIBUTE.replyMessage, 'Hello\n'), attribute(ATTRIBUTE.replyMessage, 'alice')).message,
    ).toBe('Hello alice');
    expect(profile(attribute(ATTRIBUTE.replyMessage, '\u0007'))).toEqual({});
    expect(profile(attribute(ATTRIBUTE.framedMtu, 1300))).toEqual({ mtu: 1300 });
    expect(refusals(attribute(ATTRIBUTE.framedMtu, 20))).toHaveLength(1);
  });

  it('nothing is passed over in silence', () => {
    expect(
      notes(
        attribute(ATTRIBUTE.framedCompression, 1),
        { vendor: 0, type: 241, value: Uint8Array.of(1) },
        { vendor: 9, type: 1, value: Uint8Array.of(1) },
        { vendor: 9, type: 1, value: Uint8Array.of(2) },
      ),
    ).toEqual([
      'Framed-Compression: this gateway has no use for it',
      'attribute 241: this gateway has no use for it',
      'attribute 1 of vendor 9: this gateway has no use for it',
    ]);
    expect(notes(attribute(ATTRIBUTE.userName, 'alice'), attribute(ATTRIBUTE.state, Uint8Array.of(1)))).toEqual([]);
  });
});
