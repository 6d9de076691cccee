import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bits64, formatIpv6, linkLocal, parseIpv6, parseIpv6Network } from '../../../core/bytes/ipv6-address.ts';
import { AddressStage } from '../../../core/datapath/stages/address.stage.ts';
import { MtuStage } from '../../../core/datapath/stages/mtu.stage.ts';
import { PPP_FRAMING } from '../../../core/datapath/stages/ppp.stage.ts';
import { Ipv6cpOptions } from '../../../core/machine/ipv6cp-options.ts';
import { RouterAdvertiser } from '../../../core/machine/router-advertiser.ts';
import { instant } from '../../../core/time.ts';
import { ICMPV6, icmpv6Packet, parseIcmpv6 } from '../../../core/wire/icmpv6.ts';
import { checkIpv4 } from '../../../core/wire/ipv4.ts';
import { fragmentIpv4 } from '../../../core/wire/ipv4-fragment.ts';
import { parseRouterAdvertisement, routerAdvertisementBody } from '../../../core/wire/router-advertisement.ts';
import { address, batchOf, openSession, run } from '../../support/batches.ts';
import { address6 } from '../../support/ipv6-packets.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const half = fc.tuple(fc.nat(0xffffffff), fc.nat(0xffffffff)).map(([high, low]) => bits64(high, low));
const anyAddress = fc.record({ prefix: half, interfaceId: half });
const octets = (most: number, least = 0) => fc.uint8Array({ minLength: least, maxLength: most, size: 'max' });
/** Octets that begin as an IPv6 packet does, with this next header and a payload length that may be right. */
const almostIpv6 = fc.tuple(octets(1600), fc.constantFrom(0, 6, 17, 58), fc.boolean()).map(([bytes, next, right]) => {
  if (bytes.length < 8) return bytes;
  bytes[0] = 0x60;
  bytes[6] = next;
  if (right && bytes.length >= 40) {
    bytes[4] = (bytes.length - 40) >> 8;
    bytes[5] = (bytes.length - 40) & 255;
  }
  return bytes;
});
const PEER_ID = bits64(3, 4);
const IPV6 = { prefix: bits64(0xfd000099, 1), localInterfaceId: bits64(1, 2), peerInterfaceId: PEER_ID };

describe('IPv6 text', () => {
  it('survives formatting', () => {
    fc.assert(
      fc.property(anyAddress, (value) => {
        expect(parseIpv6(formatIpv6(value))).toEqual(value);
      }),
    );
  });

  it('any text is an address or none', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:./]{0,44}$/)), (value) => {
        parseIpv6(value);
        parseIpv6Network(value);
      }),
    );
  });
});

describe('ICMPv6', () => {
  it('any octets are a message or none', () => {
    fc.assert(
      fc.property(almostIpv6, (bytes) => {
        parseIcmpv6(bytes);
      }),
    );
  });

  it('what is written is read', () => {
    const message = fc.record({
      source: anyAddress,
      destination: anyAddress,
      hopLimit: fc.nat(255),
      type: fc.nat(255),
      code: fc.nat(255),
      body: octets(200),
    });
    fc.assert(
      fc.property(message, (value) => {
        expect(parseIcmpv6(icmpv6Packet(value))).toEqual(value);
      }),
    );
  });

  it('any body of an advertisement is read or refused', () => {
    const from = { source: linkLocal(PEER_ID), destination: address6('ff02::1'), hopLimit: 255, code: 0 };
    fc.assert(
      fc.property(octets(120), (body) => {
        const ra = parseRouterAdvertisement({ ...from, type: ICMPV6.routerAdvertisement, body });
        if (ra !== undefined) routerAdvertisementBody(ra);
      }),
    );
  });
});

describe('the machines', () => {
  it('the advertiser takes any octets at any time, sends only whole messages and always has a deadline', () => {
    const step = fc.oneof(
      fc.record({ bytes: almostIpv6, wait: fc.nat(700_000) }),
      fc
        .record({ type: fc.constantFrom(133, 134, 135, 128), body: octets(60), source: anyAddress })
        .map(({ type, body, source }) => ({
          bytes: icmpv6Packet({ source, destination: linkLocal(bits64(1, 2)), hopLimit: 255, type, code: 0, body }),
          wait: 10,
        })),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.nat(), (steps, seed) => {
        const router = new RouterAdvertiser({ ...IPV6, mtu: 1396, dns: [], random: seededRandom(seed) });
        let now = instant(0);
        const check = (effects: readonly { readonly bytes: Uint8Array }[]): void => {
          for (const { bytes } of effects) expect(parseIcmpv6(bytes)).toBeDefined();
        };
        check(router.handle({ kind: 'start' }, now));
        for (const { bytes, wait } of steps) {
          check(router.handle({ kind: 'packet', bytes }, now));
          now = instant(now + wait);
          check(router.handleTimeout(now));
          expect(router.nextTimeout()).toBeGreaterThan(now);
        }
      }),
    );
  });

  it('IPV6CP’s options take any option and never agree on one identifier for both', () => {
    const option = fc.record({
      type: fc.nat(4),
      data: fc.oneof(octets(12), fc.uint8Array({ minLength: 8, maxLength: 8, max: 1 })),
    });
    fc.assert(
      fc.property(fc.array(fc.array(option, { maxLength: 3 })), fc.array(option), fc.nat(), (rounds, naks, seed) => {
        const options = new Ipv6cpOptions(seededRandom(seed), bits64(0, 1));
        options.begin();
        for (const round of rounds) {
          options.nakked(naks);
          const fine = round.every((one) => options.judge(one) === 'ack') && options.missing(round).length === 0;
          if (!fine) continue;
          options.agreed(round);
          const result = options.result();
          if ('detail' in result) throw new Error('agreed without an identifier');
          expect(result.localInterfaceId).not.toEqual(result.peerInterfaceId);
        }
      }),
    );
  });
});

describe('the stages', () => {
  const sessions = { byCallId: () => undefined, byAddress: () => undefined, byPrefix: () => undefined };

  it('the source guard lets only the session’s /64 through, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(almostIpv6, { maxLength: 20 }), (packets) => {
        const session = openSession();
        session.ipv6 = IPV6;
        const diverted: Uint8Array[] = [];
        const stage = new AddressStage(sessions, { frame: (_, __, bytes) => diverted.push(bytes.slice()) });
        const batch = batchOf(packets, { session, protocol: 0x57 });
        const drops = run(stage.inbound, batch);
        expect(drops['stage-fault']).toBeUndefined();
        const dropped = Object.values(drops).reduce((sum, count) => sum + count, 0);
        expect(dropped + diverted.length + batch.count).toBe(packets.length);
        for (let at = 0; at < batch.count; at += 1) {
          expect(batch.view(batch.order[at] ?? 0).slice(8, 16)).toEqual(Uint8Array.of(0xfd, 0, 0, 0x99, 0, 0, 0, 1));
        }
      }),
    );
  });

  it('after the MTU stage nothing is larger than what the peer takes', () => {
    const almostIpv4 = octets(1800).map((bytes) => {
      if (bytes.length >= 20) bytes.set([0x45, 0, bytes.length >> 8, bytes.length & 255]);
      return bytes;
    });
    fc.assert(
      fc.property(fc.array(almostIpv4, { maxLength: 20 }), fc.integer({ min: 128, max: 1500 }), (packets, peerMru) => {
        const session = openSession();
        session.set(PPP_FRAMING, { peerMru, sendPfc: false, sendAcfc: false });
        session.address = address('10.99.0.2');
        const whole = packets.filter((bytes) => checkIpv4(bytes, 0, bytes.length) === 'ok');
        const stage = new MtuStage({ overhead: 4, source: address('10.99.0.1'), source6: undefined }, () => undefined);
        const batch = batchOf(whole, { session, protocol: 0x21 });
        expect(run(stage.outbound, batch, 'out')['stage-fault']).toBeUndefined();
        for (let at = 0; at < batch.count; at += 1) {
          expect(batch.length[batch.order[at] ?? 0]).toBeLessThanOrEqual(peerMru - 4);
        }
      }),
    );
  });

  it('fragments carry all of the data, in order, each within the MTU', () => {
    const whole = octets(1800, 20).map((bytes) => {
      bytes[0] = 0x40 | Math.max(5, Math.min(15, Math.floor(bytes.length / 4), (bytes[0] ?? 0) & 15));
      bytes[2] = bytes.length >> 8;
      bytes[3] = bytes.length & 255;
      bytes[6] = 0;
      bytes[7] = 0;
      return bytes;
    });
    fc.assert(
      fc.property(whole, fc.integer({ min: 68, max: 1500 }), (packet, mtu) => {
        const pieces = fragmentIpv4(packet, mtu);
        if (pieces === undefined) throw new Error('an MTU of 68 is enough for every packet');
        let data = 0;
        for (const piece of pieces) {
          expect(checkIpv4(piece, 0, piece.length)).toBe('ok');
          expect(piece.length).toBeLessThanOrEqual(Math.max(mtu, 20));
          data += piece.length - ((piece[0] ?? 0) & 15) * 4;
        }
        expect(data).toBe(packet.length - ((packet[0] ?? 0) & 15) * 4);
      }),
    );
  });
});
