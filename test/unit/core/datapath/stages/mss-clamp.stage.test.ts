import { describe, expect, it } from 'vitest';
import { readU16 } from '../../../../../core/bytes/bytes.ts';
import { MssClampStage } from '../../../../../core/datapath/stages/mss-clamp.stage.ts';
import { PPP_FRAMING } from '../../../../../core/datapath/stages/ppp.stage.ts';
import { address, batchOf, livePackets, openSession, run } from '../../../../support/batches.ts';
import { ipv4Packet } from '../../../../support/ipv4-packets.ts';
import { tcp4, tcp6, tcpChecksumHolds } from '../../../../support/tcp-packets.ts';

const IPV4 = 0x0021;
const IPV6 = 0x0057;
const MSS_1460 = [2, 4, 0x05, 0xb4];
const stage = new MssClampStage({ mtu: 1396 });

const pass = (packet: Uint8Array, protocol = IPV4, direction: 'in' | 'out' = 'in'): Uint8Array => {
  const batch = batchOf([packet], { protocol });
  expect(run(direction === 'in' ? stage.inbound : stage.outbound, batch, direction)).toEqual({});
  const [out] = livePackets(batch);
  if (out === undefined) throw new Error('the stage lost a packet');
  return out;
};

describe('MSS clamp', () => {
  it.each(['in', 'out'] as const)('lowers the MSS of an IPv4 SYN to the MTU less 40, %sbound', (direction) => {
    const out = pass(tcp4({ options: MSS_1460 }), IPV4, direction);
    expect(readU16(out, 42)).toBe(1356);
    expect(tcpChecksumHolds(out)).toBe(true);
  });

  it('lowers the MSS of a SYN ACK and of one at an odd offset', () => {
    for (const [options, at] of [
      [MSS_1460, 42],
      [[1, ...MSS_1460, 1, 1, 1], 43],
    ] as const) {
      const out = pass(tcp4({ options, flags: 0x12 }));
      expect(readU16(out, at)).toBe(1356);
      expect(tcpChecksumHolds(out)).toBe(true);
    }
  });

  it('lowers the MSS of an IPv6 SYN to the MTU less 60', () => {
    const out = pass(tcp6({ options: MSS_1460 }), IPV6);
    expect(readU16(out, 62)).toBe(1336);
    expect(tcpChecksumHolds(out)).toBe(true);
  });

  it('finds the segment behind IPv4 options', () => {
    const packet = tcp4({ options: MSS_1460 });
    const longer = new Uint8Array([...packet.subarray(0, 20), 1, 1, 1, 1, ...packet.subarray(20)]);
    longer[0] = 0x46;
    longer[3] = longer.length;
    expect(readU16(pass(longer), 46)).toBe(1356);
  });

  const untouched: readonly { readonly what: string; readonly packet: Uint8Array; readonly protocol?: number }[] = [
    { what: 'a smaller MSS', packet: tcp4({ options: [2, 4, 0x02, 0x18] }) },
    { what: 'an MSS of exactly the limit', packet: tcp4({ options: [2, 4, 1356 >> 8, 1356 & 0xff] }) },
    { what: 'a SYN without the option', packet: tcp4({ options: [1, 1, 1, 1] }) },
    { what: 'a segment that is no SYN', packet: tcp4({ options: MSS_1460, flags: 0x10 }) },
    { what: 'a fragment', packet: fragment(tcp4({ options: MSS_1460 })) },
    { what: 'UDP', packet: other(17) },
    { what: 'ESP', packet: other(50) },
    { what: 'AH', packet: other(51) },
    { what: 'IKE in UDP', packet: other(17) },
    { what: 'a packet cut short', packet: tcp4({ options: MSS_1460 }).subarray(0, 41) },
    { what: 'nothing', packet: new Uint8Array(0) },
    { what: 'IPv6 with extension headers', packet: extended(tcp6({ options: MSS_1460 })), protocol: IPV6 },
    { what: 'IPv6 cut short', packet: tcp6({ options: MSS_1460 }).subarray(0, 62), protocol: IPV6 },
  ];
  it.each(untouched)('leaves $what as it is', ({ packet, protocol = IPV4 }) => {
    expect(pass(packet.slice(), protocol)).toEqual(packet);
  });

  describe('with a peer that takes less than the MTU of the tunnel', () => {
    const mss = (direction: 'in' | 'out', packet: Uint8Array, protocol: number, at: number): number => {
      const session = openSession();
      session.set(PPP_FRAMING, { peerMru: 1000, sendPfc: false, sendAcfc: false });
      const batch = batchOf([packet], { protocol, session });
      run(direction === 'in' ? stage.inbound : stage.outbound, batch, direction);
      return readU16(livePackets(batch)[0] ?? new Uint8Array(0), at);
    };

    it('has the other side send segments that fit the MRU of the peer, MPPE and protocol field included', () => {
      expect(mss('in', tcp4({ options: MSS_1460 }), IPV4, 42)).toBe(1000 - 4 - 40);
      expect(mss('in', tcp6({ options: MSS_1460 }), IPV6, 62)).toBe(1000 - 4 - 60);
    });

    it('lets the peer send segments as large as we take', () => {
      expect(mss('out', tcp4({ options: MSS_1460 }), IPV4, 42)).toBe(1356);
    });
  });

  it('never goes below a sensible segment, whatever the MTU', () => {
    const batch = batchOf([tcp4({ options: MSS_1460 })], { protocol: IPV4 });
    run(new MssClampStage({ mtu: 68 }).inbound, batch);
    expect(readU16(livePackets(batch)[0] ?? new Uint8Array(0), 42)).toBe(64);
  });
});

function fragment(packet: Uint8Array): Uint8Array {
  packet[6] = 0x20;
  return packet;
}

/** A packet of another protocol whose payload looks like a SYN. */
function other(protocol: number): Uint8Array {
  return ipv4Packet({
    source: address('10.99.0.2'),
    destination: address('198.51.100.80'),
    protocol,
    payload: tcp4({ options: MSS_1460 }).subarray(20),
  });
}

function extended(packet: Uint8Array): Uint8Array {
  packet[6] = 0;
  return packet;
}
