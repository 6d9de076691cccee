import { describe, expect, it } from 'vitest';
import { readU16 } from '../../../../core/bytes/bytes.ts';
import { toHex } from '../../../../core/bytes/hex.ts';
import { parseIpNetwork } from '../../../../core/bytes/ip-network.ts';
import type { Ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import { isDontFragment } from '../../../../core/wire/ipv4-fragment.ts';
import { findTcpMss } from '../../../../core/wire/tcp.ts';
import { address } from '../../../support/batches.ts';
import {
  association,
  CBC_KEYS,
  espClear,
  espIpv4,
  espOpen,
  espSeal,
  espSealClear,
  GCM_KEYS,
} from '../../../support/esp-peer.ts';
import { ESP_CLIENT, ESP_HOST, EspRig } from '../../../support/esp-rig.ts';
import { ipv4Packet } from '../../../support/ipv4-packets.ts';

const TCP = 6;
const UDP = 17;
const LATER = 2 ** 32;

const pair = (differs: Partial<Parameters<typeof association>[1]> = {}) => ({
  into: association(ESP_HOST, { ...differs, direction: 'in' }),
  out: association(ESP_HOST, { ...differs, direction: 'out' }),
});

const syn = (source: Ipv4, destination: Ipv4): Uint8Array => {
  const tcp = Uint8Array.of(0x9c, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x60, 2, 255, 255, 0, 0, 0, 0, 2, 4, 0x05, 0xb4);
  return ipv4Packet({ source, destination, protocol: TCP, payload: tcp });
};

/** Derived: computed once, with the key of `GCM_KEYS` and the first IV of a gateway that starts with the year 2030. */
const GOLDEN = [
  [
    'transport',
    false,
    `4500003c00010000403265db0a0000500a630002 0000200100000001 00497c5ecc000000
     3402d58b8041d4853762af8f 711dbebb6e2ce57529fb0c07`,
  ],
  [
    'transport',
    true,
    `4500003c00010000403265db0a0000500a630002 0000200100000001 00497c5ecc000000
     3402d58b8041d485cf041f7e 6f61645f8119ed9319890a1d`,
  ],
  [
    'tunnel',
    false,
    `4500005000010000403265c70a0000500a630002 0000200100000001 00497c5ecc000000
     166db9f5e52ed494adb9c8d416746d42fe5647e85372fea830e6ead6 0610d7eac0ff3eef150f32b88c89e3ca`,
  ],
  [
    'tunnel',
    true,
    `4500005000010000403265c70a0000500a630002 0000200100000001 00497c5ecc000000
     166db9f5e52ed494adb9c8d416746d42fe5647e85372fea830e6ead6 96eb0f0ac9840b875d286a101fcd0fba`,
  ],
] as const;

describe('golden packets', () => {
  it.each(GOLDEN)('in %s mode, ESN %s', (mode, esn, golden) => {
    const { out } = pair({ mode, esn });
    const payload = Buffer.from('golden');
    const clear = ipv4Packet({ source: ESP_HOST, destination: ESP_CLIENT, protocol: UDP, payload });
    const [sealed] = new EspRig([out]).outbound(clear).packets;
    const expected = golden.replace(/\s/g, '');
    expect(sealed && toHex(sealed)).toBe(expected);
    // And an independent implementation makes the same of the same IV.
    const iv = Buffer.from(expected.slice(56, 72), 'hex');
    const inside = mode === 'tunnel' ? espClear(clear, 4, 4) : espClear(payload, UDP, 4);
    expect(toHex(espSealClear(out, 1n, inside, iv))).toBe(expected.slice(40));
  });
});

describe('numbers', () => {
  it('end before they come again, and nothing goes in the clear then', () => {
    const rig = new EspRig([{ ...pair().out, sequence: LATER - 2 }]);
    const clear = ipv4Packet({ source: ESP_HOST, destination: ESP_CLIENT });
    const first = rig.outbound(clear, clear);
    expect(first.packets.map((packet) => toHex(packet.subarray(24, 28)))).toEqual(['ffffffff']);
    expect(first.drops).toEqual({ 'no-sa': 1 });
    expect(rig.outbound(clear)).toEqual({ packets: [], drops: { 'no-sa': 1 } });
    expect(rig.log.lines.map(({ event }) => event)).toEqual(['ipsec.sa-over']);
  });

  it('that are extended go on, with an upper half that the other end agrees on', () => {
    const { into, out } = pair({ esn: true, algorithm: CBC_KEYS });
    const rig = new EspRig([into, { ...out, sequence: LATER - 1 }]);
    const down = ipv4Packet({ source: ESP_HOST, destination: ESP_CLIENT, payload: Buffer.from('down') });
    const [sealed] = rig.outbound(down).packets;
    expect(toHex(espOpen(out, BigInt(LATER), sealed?.subarray(20) ?? new Uint8Array()).payload)).toBe(
      toHex(down.subarray(20)),
    );
    const up = ipv4Packet({ source: ESP_CLIENT, destination: ESP_HOST, payload: Buffer.from('up') });
    rig.table
      .of(rig.session)
      ?.inbound.get(0x1001)
      ?.replay.accept(LATER - 3);
    for (const sequence of [BigInt(LATER) + 1n, BigInt(LATER) - 2n, BigInt(LATER)]) {
      const packet = espIpv4(ESP_CLIENT, ESP_HOST, espSeal(into, sequence, up.subarray(20), 253));
      expect(rig.inbound(packet).packets.map(toHex)).toEqual([toHex(up)]);
      expect(rig.inbound(packet).drops).toEqual({ duplicate: 1 });
    }
  });
});

describe('TCP inside ESP', () => {
  it.each([
    ['transport', GCM_KEYS],
    ['transport', CBC_KEYS],
    ['tunnel', GCM_KEYS],
    ['tunnel', CBC_KEYS],
  ] as const)('in %s mode gets an MSS whose full segments fit the tunnel, both ways', (mode, algorithm) => {
    const { into, out } = pair({ mode, algorithm });
    const rig = new EspRig([into, out]);
    const up = syn(ESP_CLIENT, ESP_HOST);
    const payload = mode === 'tunnel' ? espSeal(into, 1n, up, 4) : espSeal(into, 1n, up.subarray(20), TCP);
    const [inbound] = rig.inbound(espIpv4(ESP_CLIENT, ESP_HOST, payload)).packets;
    const [sealed] = rig.outbound(syn(ESP_HOST, ESP_CLIENT)).packets;
    if (inbound === undefined || sealed === undefined) throw new Error('nothing came');
    const opened = espOpen(out, 1n, sealed.subarray(20)).payload.subarray(mode === 'tunnel' ? 20 : 0);
    const mssUp = readU16(inbound, findTcpMss(inbound, 20, 24));
    const mssDown = readU16(opened, findTcpMss(opened, 0, 24));
    expect(mssUp).toBe(mssDown);
    const full = (length: number): Uint8Array => {
      const packet = ipv4Packet({
        source: ESP_HOST,
        destination: ESP_CLIENT,
        protocol: TCP,
        payload: new Uint8Array(20 + length),
      });
      packet[6] = 0x40;
      return packet;
    };
    expect(rig.outbound(full(mssDown)).packets[0]?.length).toBeLessThanOrEqual(1396);
    expect(rig.outbound(full(mssDown + 1)).drops).toEqual({ 'too-big': 1 });
  });
});

describe('tunnel mode', () => {
  const { into, out } = pair({ mode: 'tunnel' });
  const inner = ipv4Packet({ source: ESP_CLIENT, destination: ESP_HOST, payload: Buffer.from('inner') });
  const carried = (rig: EspRig, payload: Uint8Array, next = 4, tos = 0) => {
    const packet = espIpv4(
      ESP_CLIENT,
      ESP_HOST,
      espSeal(into, BigInt(rig.table.list()[0]?.sequence ?? 0) + 1n, payload, next),
    );
    packet[1] = tos;
    return rig.inbound(packet);
  };

  it('drops what hides behind a packet, keeps congestion marks, and refuses what is no IPv4', () => {
    const rig = new EspRig([into]);
    expect(carried(rig, Buffer.concat([inner, new Uint8Array(100)])).packets.map(toHex)).toEqual([toHex(inner)]);
    const marked = inner.slice();
    marked[1] = 0b10;
    const [heard] = carried(rig, marked, 4, 3).packets;
    expect(heard?.[1]).toBe(0b11);
    expect(carried(rig, inner, 4, 3).drops).toEqual({ policy: 1 });
    expect(carried(rig, inner, 41).drops).toEqual({ unsupported: 1 });
    expect(carried(rig, inner, 17).drops).toEqual({ policy: 1 });
    expect(carried(rig, inner.subarray(0, 22)).drops).toEqual({ malformed: 1 });
  });

  it('copies type of service and DF to the outside, and cuts before it encrypts', () => {
    const rig = new EspRig([out]);
    const down = ipv4Packet({ source: ESP_HOST, destination: ESP_CLIENT, payload: new Uint8Array(50) });
    down[1] = 0xb8;
    down[6] = 0x40;
    const [sealed] = rig.outbound(down).packets;
    expect([sealed?.[1], sealed && isDontFragment(sealed, 0)]).toEqual([0xb8, true]);
    const big = ipv4Packet({ source: ESP_HOST, destination: ESP_CLIENT, payload: new Uint8Array(1376) });
    const { packets } = rig.outbound(big);
    expect(packets).toHaveLength(2);
    for (const [at, packet] of packets.entries()) {
      expect(packet.length).toBeLessThanOrEqual(1396);
      expect(espOpen(out, BigInt(at + 2), packet.subarray(20)).nextHeader).toBe(4);
    }
  });

  it('takes more networks than two hosts, on both sides, and no others', () => {
    const networks = ['10.0.0.0/24'].map(parseIpNetwork).filter((one) => one !== undefined);
    const peerNetworks = ['192.168.5.0/24'].map(parseIpNetwork).filter((one) => one !== undefined);
    const site = association(ESP_HOST, { direction: 'out', mode: 'tunnel', networks, peerNetworks });
    const rig = new EspRig([site]);
    const to = (source: string, destination: string): Uint8Array =>
      ipv4Packet({ source: address(source), destination: address(destination) });
    expect(rig.outbound(to('10.0.0.9', '192.168.5.77')).packets[0]?.[9]).toBe(50);
    const other = to('10.0.0.9', '192.168.6.1');
    expect(rig.outbound(other).packets).toEqual([other]);
  });
});

describe('what a host does itself', () => {
  it('as IKE passes both ways, and the fragments of it', () => {
    const { into, out } = pair();
    const rig = new EspRig([into, out]);
    const ike = (source: Ipv4, destination: Ipv4): Uint8Array =>
      ipv4Packet({
        source,
        destination,
        protocol: UDP,
        payload: Uint8Array.of(1, 0xf4, 1, 0xf4, 0, 8, 0, 0),
      });
    const up = ike(ESP_CLIENT, ESP_HOST);
    const down = ike(ESP_HOST, ESP_CLIENT);
    expect(rig.inbound(up).packets).toEqual([up]);
    expect(rig.outbound(down).packets).toEqual([down]);
    const first = up.slice();
    first[6] = 0x20;
    const later = up.slice();
    later[7] = 1;
    expect(rig.inbound(later).drops).toEqual({ policy: 1 });
    expect(rig.inbound(first, later).packets).toEqual([first, later]);
  });

  it('as fragments is put together before it is sealed in transport mode', () => {
    const { out } = pair();
    const rig = new EspRig([out]);
    const payload = Uint8Array.from({ length: 400 }, (_, i) => i & 255);
    const piece = (at: number, end: number): Uint8Array => {
      const packet = ipv4Packet({
        source: ESP_HOST,
        destination: ESP_CLIENT,
        protocol: UDP,
        payload: payload.subarray(at, end),
      });
      packet[6] = end === payload.length ? 0 : 0x20;
      packet[7] = at / 8;
      return packet;
    };
    const { packets } = rig.outbound(piece(200, 400), piece(0, 200));
    expect(packets).toHaveLength(1);
    expect(toHex(espOpen(out, 1n, packets[0]?.subarray(20) ?? new Uint8Array()).payload)).toBe(toHex(payload));
    rig.outbound(piece(0, 200));
    rig.hook.outbound.forget(rig.session);
    expect(rig.lost).toEqual(['out late 1']);
  });
});

it('the header of what comes out has a right checksum, and IP options stay', () => {
  const { into } = pair();
  const rig = new EspRig([into]);
  const esp = espSeal(into, 1n, Buffer.from('eight888'), UDP);
  const plain = espIpv4(ESP_CLIENT, ESP_HOST, esp);
  const packet = Buffer.concat([plain.subarray(0, 20), Uint8Array.of(148, 4, 0, 0), plain.subarray(20)]);
  packet[0] = 0x46;
  packet.writeUInt16BE(packet.length, 2);
  const [clear] = rig.inbound(packet).packets;
  expect(toHex(clear?.subarray(20) ?? new Uint8Array())).toBe(`94040000${toHex(Buffer.from('eight888'))}`);
  const words = Array.from({ length: 12 }, (_, at) => readU16(clear ?? new Uint8Array(), 2 * at));
  expect(words.reduce((sum, word) => sum + word, 0) % 0xffff).toBe(0);
});
