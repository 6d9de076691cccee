import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../../core/bytes/hex.ts';
import {
  ICMPV6,
  icmpv6Packet,
  mayAnswerIpv6,
  packetTooBig,
  packetTooBigMtu,
  parseIcmpv6,
} from '../../../../core/wire/icmpv6.ts';
import { checkIpv6 } from '../../../../core/wire/ipv6.ts';
import {
  isRouterSolicitation,
  neighborAdvertisementBody,
  parseRouterAdvertisement,
  routerAdvertisementBody,
  solicitedTarget,
} from '../../../../core/wire/router-advertisement.ts';
import { address6, echoRequest6, ipv6Packet, routerSolicitation } from '../../../support/ipv6-packets.ts';

/** By hand: 1 + 1 (addresses) + 16 (length) + 58 (next header) + 8000 + 0007 + 0001 = 8054, and its complement. */
const ECHO = fromHex(`
  6000 0000 0010 3a40 0000000000000000 0000000000000001 0000000000000000 0000000000000001
  8000 7fab 0007 0001 0000000000000000`);

describe('ICMPv6', () => {
  it('writes an echo request octet by octet', () => {
    const packet = echoRequest6(address6('::1'), address6('::1'), new Uint8Array(8));
    expect(toHex(packet)).toBe(toHex(ECHO));
  });

  it('refuses a wrong checksum, another protocol and a cut packet', () => {
    const packet = echoRequest6(address6('fd00::1'), address6('fd00::2'), Uint8Array.of(1, 2, 3));
    expect(parseIcmpv6(packet)).toMatchObject({ type: 128, code: 0, hopLimit: 64, source: address6('fd00::1') });
    for (let cut = 0; cut < packet.length; cut += 1) expect(parseIcmpv6(packet.subarray(0, cut))).toBeUndefined();
    for (let at = 8; at < packet.length; at += 1) {
      const changed = packet.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      expect(parseIcmpv6(changed)).toBeUndefined();
    }
    expect(parseIcmpv6(ipv6Packet({ source: address6('::1'), destination: address6('::1') }))).toBeUndefined();
    expect(checkIpv6(packet, 0, packet.length - 1)).toBe('truncated');
    expect(checkIpv6(Uint8Array.of(0x45), 0, 1)).toBe('malformed');
  });

  it('tells what fits, with as much of the packet as 1280 octets hold', () => {
    const big = ipv6Packet({
      source: address6('fd00::1'),
      destination: address6('fd00::2'),
      payload: new Uint8Array(1400),
    });
    const answer = packetTooBig(big, address6('fd00::99'), 1320);
    expect(answer).toHaveLength(1280);
    const message = parseIcmpv6(answer);
    expect(message).toMatchObject({ type: 2, code: 0, destination: address6('fd00::1'), source: address6('fd00::99') });
    expect(message && packetTooBigMtu(message)).toBe(1320);
    expect(message?.body.slice(4)).toEqual(big.slice(0, 1232));
  });

  it('answers neither errors nor packets from nobody in particular', () => {
    const to = address6('fd00::2');
    const from = address6('fd00::1');
    const may = (packet: Uint8Array): boolean => mayAnswerIpv6(packet, 0);
    expect(may(ipv6Packet({ source: from, destination: to }))).toBe(true);
    expect(may(echoRequest6(from, to, new Uint8Array(4)))).toBe(true);
    expect(may(packetTooBig(ipv6Packet({ source: to, destination: from }), from, 1280))).toBe(false);
    expect(may(ipv6Packet({ source: address6('::'), destination: to }))).toBe(false);
    expect(may(ipv6Packet({ source: address6('ff02::1'), destination: to }))).toBe(false);
  });
});

describe('Neighbor Discovery', () => {
  const ra = {
    routerLifetime: 1800,
    hopLimit: 64,
    prefixes: [
      {
        prefix: address6('fd00:99:0:1::').prefix,
        onLink: false,
        autonomous: true,
        validLifetime: 7200,
        preferredLifetime: 1800,
      },
    ],
    mtu: 1396,
    dns: [address6('fd00:53::1')],
    dnsLifetime: 1800,
  };
  const from = address6('fe80::1');
  const carried = (body: Uint8Array, change = {}) => ({
    source: from,
    destination: address6('ff02::1'),
    hopLimit: 255,
    type: ICMPV6.routerAdvertisement,
    code: 0,
    body,
    ...change,
  });

  it('a Router Advertisement, octet by octet (RFC 4861 sections 4.2, 4.6; RFC 8106 section 5.1)', () => {
    expect(toHex(routerAdvertisementBody(ra))).toBe(
      [
        '40000708 00000000 00000000',
        '0501 0000 00000574',
        '0304 40 40 00001c20 00000708 00000000 fd00009900000001 0000000000000000',
        '1903 0000 00000708 fd000053000000000000000000000001',
      ]
        .join('')
        .replaceAll(' ', ''),
    );
    expect(parseRouterAdvertisement(carried(routerAdvertisementBody(ra)))).toEqual(ra);
  });

  it('is not taken from beyond the link, or broken', () => {
    const body = routerAdvertisementBody(ra);
    for (const change of [{ hopLimit: 254 }, { source: address6('fd00::1') }, { code: 1 }, { type: 133 }]) {
      expect(parseRouterAdvertisement(carried(body, change))).toBeUndefined();
    }
    expect(parseRouterAdvertisement(carried(body.slice(0, 11)))).toBeUndefined();
    expect(parseRouterAdvertisement(carried(body.slice(0, -1)))).toBeUndefined();
    const endless = body.slice();
    endless[13] = 0;
    expect(parseRouterAdvertisement(carried(endless))).toBeUndefined();
  });

  it('a Router Solicitation has hop limit 255 and whole options', () => {
    const message = parseIcmpv6(routerSolicitation(from));
    expect(message && isRouterSolicitation(message)).toBe(true);
    for (const change of [{ hopLimit: 64 }, { code: 1 }, { body: new Uint8Array(3) }, { body: new Uint8Array(8) }]) {
      expect(message && isRouterSolicitation({ ...message, ...change })).toBe(false);
    }
  });

  it('a Neighbor Solicitation names its target', () => {
    const body = fromHex('00000000 fe800000000000000000000000000001');
    const message = { ...carried(body), type: ICMPV6.neighborSolicitation };
    expect(solicitedTarget(message)).toEqual(from);
    expect(solicitedTarget({ ...message, body: body.slice(0, 19) })).toBeUndefined();
    expect(toHex(neighborAdvertisementBody(from, true))).toBe('e0000000fe800000000000000000000000000001');
    expect(parseIcmpv6(icmpv6Packet(message))).toEqual(message);
  });
});
