import { describe, expect, it } from 'vitest';
import { parseIpNetwork } from '../../../../core/bytes/ip-network.ts';
import { PassedDatagrams } from '../../../../core/datapath/passed-datagrams.ts';
import { instant } from '../../../../core/time.ts';
import { Judge } from '../../../../plugins/ipsec-policy/judge.ts';
import { address6, ipv6Packet } from '../../../support/ipv6-packets.ts';

const CLIENT = address6('fd00:99:0:1::2');
const HOST = address6('fd00:9::5');
const networks = ['fd00:9::/32'].map(parseIpNetwork).filter((one) => one !== undefined);
const EMPTY = [0, 0, 0, 0, 0, 0];

/** Of one session, packet after packet. */
const judgeOf = (exceptions = { icmp: true, dns: false }) => {
  const judge = new Judge(exceptions);
  const concerned = { destinations: networks, passed: new PassedDatagrams() };
  return (packet: Uint8Array, side: 'source' | 'destination' = 'destination', now = 0) => {
    judge.now = instant(now);
    return judge.mayPass(packet, 0, packet.length, side, concerned);
  };
};
const may = (
  packet: Uint8Array,
  side: 'source' | 'destination' = 'destination',
  exceptions = { icmp: true, dns: false },
) => judgeOf(exceptions)(packet, side);
const up = (nextHeader: number, ...payload: readonly number[]): Uint8Array =>
  ipv6Packet({ source: CLIENT, destination: HOST, nextHeader, payload: Uint8Array.from(payload) });
const down = (nextHeader: number, ...payload: readonly number[]): Uint8Array =>
  ipv6Packet({ source: HOST, destination: CLIENT, nextHeader, payload: Uint8Array.from(payload) });

describe('IPv6 to a protected destination', () => {
  it('passes as ESP, AH and IKE, also behind extension headers and in fragments', () => {
    expect(may(up(50, 1, 2, 3))).toBe(true);
    expect(may(up(51, 6, 4))).toBe(true);
    expect(may(up(17, 1, 1, 1, 244))).toBe(true);
    expect(may(up(17, 1, 1, 0x11, 0x94))).toBe(true);
    expect(may(up(60, 50, 0, ...EMPTY, 9))).toBe(true);
    expect(may(up(44, 50, 0, 0, 1, 0, 0, 0, 1, 9))).toBe(true);
    expect(may(up(44, 50, 0, 0, 8, 0, 0, 0, 1, 9))).toBe(true);
    expect(may(down(17, 1, 244, 1, 1), 'source')).toBe(true);
  });

  it('does not pass as anything else, nor where it cannot be known', () => {
    for (const packet of [
      up(6, ...new Uint8Array(20)),
      up(17, 1, 244, 0, 53),
      up(17, 1, 1),
      up(58, 128, 0, 0, 0, 0, 0, 0, 0),
      up(59),
      up(4),
      up(60, 6, 0, ...EMPTY),
      up(44, 6, 0, 0, 8, 0, 0, 0, 1),
      up(44, 17, 0, 0, 8, 0, 0, 0, 1, 9),
      up(0, 50, 200, ...EMPTY),
      up(60, ...Array.from({ length: 12 }, () => [60, 0, ...EMPTY]).flat()),
    ]) {
      expect(may(packet)).toBe(false);
    }
    expect(may(down(17, 0, 53, 1, 244), 'source')).toBe(false);
  });

  it('passes as later fragments of UDP behind a first one that did, and not else', () => {
    const mayNext = judgeOf();
    const first = (id: number, port: number) => up(44, 17, 0, 0, 1, 0, 0, 0, id, 1, 1, 1, port, 0, 16, 0, 0);
    const later = (id: number) => up(44, 17, 0, 0, 8, 0, 0, 0, id, 9);
    expect([later(1), first(1, 244), later(1), later(2)].map((one) => mayNext(one))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect([first(2, 53), later(2)].map((one) => mayNext(one))).toEqual([false, false]);
    expect(mayNext(later(1), 'destination', 20_000)).toBe(false);
    expect(mayNext(up(44, 50, 0, 0, 1, 0, 0, 0, 3, 9))).toBe(true);
    expect(mayNext(later(3))).toBe(false);
  });

  it('is not reached by a packet to somebody else whose headers cannot be read to their end', () => {
    const elsewhere = { source: CLIENT, destination: address6('fd00:8::1') };
    const routing = [17, 0, ...EMPTY, 0, 1, 0, 53];
    const options = (count: number) =>
      Array.from({ length: count }, (_, i) => [i === count - 1 ? 43 : 60, 0, ...EMPTY]).flat();
    for (const count of [1, 8, 9]) {
      const payload = Uint8Array.from([...options(count), ...routing]);
      expect(may(ipv6Packet({ ...elsewhere, nextHeader: 60, payload }))).toBe(false);
    }
    // A length of 0 without a Jumbo Payload option: Linux reads on.
    const endless = ipv6Packet({
      ...elsewhere,
      nextHeader: 0,
      payload: Uint8Array.from([43, 0, ...EMPTY, ...routing]),
    });
    endless[4] = 0;
    endless[5] = 0;
    expect(may(endless)).toBe(false);
  });

  it('is not reached through a Routing header of a packet to somebody else', () => {
    const elsewhere = { source: CLIENT, destination: address6('fd00:8::1') };
    const routed = ipv6Packet({
      ...elsewhere,
      nextHeader: 43,
      payload: Uint8Array.from([17, 0, ...EMPTY, 0, 1, 0, 53]),
    });
    expect(may(routed)).toBe(false);
    expect(may(ipv6Packet({ ...elsewhere, nextHeader: 17, payload: Uint8Array.of(0, 1, 0, 53) }))).toBe(true);
  });

  it('is nobody on the link itself, also where every destination is protected', () => {
    const all = ['::/0'].map(parseIpNetwork).filter((one) => one !== undefined);
    const mayAll = (packet: Uint8Array, side: 'source' | 'destination') =>
      new Judge({ icmp: true, dns: false }).mayPass(packet, 0, packet.length, side, {
        destinations: all,
        passed: new PassedDatagrams(),
      });
    const own = address6('fe80::1');
    const payload = Uint8Array.of(133, 0, 0, 0, 0, 0, 0, 0);
    const solicitation = ipv6Packet({ source: own, destination: address6('ff02::2'), nextHeader: 58, payload });
    const advertisement = ipv6Packet({ source: own, destination: address6('fe80::2'), nextHeader: 58, payload });
    expect(mayAll(solicitation, 'destination')).toBe(true);
    expect(mayAll(advertisement, 'source')).toBe(true);
    expect(mayAll(up(58, ...payload), 'destination')).toBe(false);
    expect(mayAll(down(58, ...payload), 'source')).toBe(false);
  });

  it('hears Packet Too Big about IPsec, if the operator leaves it so', () => {
    const about = (quoted: Uint8Array): Uint8Array => up(58, 2, 0, 0, 0, 0, 0, 5, 0, ...quoted);
    expect(may(about(down(50)))).toBe(true);
    expect(may(about(down(50)), 'destination', { icmp: false, dns: false })).toBe(false);
    expect(may(about(down(17, 0x11, 0x94, 1, 1)))).toBe(true);
    expect(may(about(down(6, 0x11, 0x94, 1, 1)))).toBe(false);
    expect(may(about(new Uint8Array(3)))).toBe(false);
  });
});
