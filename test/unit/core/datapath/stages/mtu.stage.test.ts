import { describe, expect, it } from 'vitest';
import { readU16 } from '../../../../../core/bytes/bytes.ts';
import type { PacketBatch } from '../../../../../core/datapath/packet-batch.ts';
import type { Session } from '../../../../../core/datapath/session.ts';
import { MtuStage } from '../../../../../core/datapath/stages/mtu.stage.ts';
import { PPP_FRAMING } from '../../../../../core/datapath/stages/ppp.stage.ts';
import { packetTooBigMtu, parseIcmpv6 } from '../../../../../core/wire/icmpv6.ts';
import { checkIpv4, onesComplement, sumWords, writeIpv4Checksum } from '../../../../../core/wire/ipv4.ts';
import { address, batchOf, livePackets, openSession, run } from '../../../../support/batches.ts';
import { ipv4Packet } from '../../../../support/ipv4-packets.ts';
import { address6, echoRequest6, ipv6Packet } from '../../../../support/ipv6-packets.ts';

const IPV4 = 0x0021;
const IPV6 = 0x0057;
const HOST = address('10.0.0.80');
const PEER = address('10.99.0.2');
const GATEWAY = address('10.99.0.1');
const HOST6 = address6('fd00:77::1');
const PEER6 = address6('fd00:99:0:1::2');
const GATEWAY6 = address6('fd00:99::1');

class Bench {
  readonly answers: Uint8Array[] = [];
  readonly session: Session = openSession();
  readonly stage = new MtuStage({ overhead: 4, source: GATEWAY, source6: GATEWAY6 }, (_, bytes) =>
    this.answers.push(bytes),
  );
  last: PacketBatch | undefined;

  constructor(peerMru = 1004) {
    this.session.set(PPP_FRAMING, { peerMru, sendPfc: false, sendAcfc: false });
  }

  /** What was dropped; what lived is `live`. */
  send(packets: readonly Uint8Array[], options: { protocol?: number; now?: number; capacity?: number } = {}) {
    this.last = batchOf(packets, { session: this.session, protocol: IPV4, ...options });
    return run(this.stage.outbound, this.last, 'out');
  }

  get live(): Uint8Array[] {
    return this.last === undefined ? [] : livePackets(this.last);
  }
}

const packet = (length: number, change: { df?: boolean; word?: number; protocol?: number; first?: number } = {}) => {
  const payload = Uint8Array.from({ length: length - 20 }, (_, at) => at * 7);
  if (change.first !== undefined) payload[0] = change.first;
  const out = ipv4Packet({ source: HOST, destination: PEER, payload, protocol: change.protocol ?? 253 });
  const word = change.word ?? (change.df === true ? 0x4000 : 0);
  out[6] = word >> 8;
  out[7] = word & 255;
  writeIpv4Checksum(out, 0);
  return out;
};

describe('a packet that fits', () => {
  it.each([999, 1000])('%s octets pass untouched', (length) => {
    const bench = new Bench();
    expect(bench.send([packet(length, { df: true })])).toEqual({});
    expect(bench.live).toEqual([packet(length, { df: true })]);
    expect(bench.answers).toEqual([]);
  });

  it('octets behind the packet do not count', () => {
    const bench = new Bench();
    const padded = new Uint8Array(1010);
    padded.set(packet(1000, { df: true }));
    expect(bench.send([padded])).toEqual({});
    expect(bench.live).toEqual([packet(1000, { df: true })]);
  });
});

describe('IPv4 with DF', () => {
  it('is dropped as too big, and its sender told what fits (RFC 1191)', () => {
    const bench = new Bench();
    const big = packet(1001, { df: true });
    expect(bench.send([big])).toEqual({ 'too-big': 1 });
    const [answer] = bench.answers;
    if (answer === undefined) throw new Error('no answer');
    expect(checkIpv4(answer, 0, answer.length)).toBe('ok');
    expect(answer).toHaveLength(576);
    expect([...answer.subarray(9, 10), ...answer.subarray(12, 20)]).toEqual([1, 10, 99, 0, 1, 10, 0, 0, 80]);
    expect([answer[20], answer[21], readU16(answer, 26)]).toEqual([3, 4, 1000]);
    expect(answer.slice(28)).toEqual(big.slice(0, 548));
    expect(onesComplement(sumWords(answer, 0, 20))).toBe(0);
    expect(onesComplement(sumWords(answer, 20, answer.length - 20))).toBe(0);
  });

  it.each([
    ['an ICMP error', packet(1100, { df: true, protocol: 1, first: 3 })],
    ['a later fragment', packet(1100, { word: 0x4010 })],
  ])('%s is dropped without an answer (RFC 1812 section 4.3.2.7)', (_, big) => {
    const bench = new Bench();
    expect(bench.send([big])).toEqual({ 'too-big': 1 });
    expect(bench.answers).toEqual([]);
  });

  it('an ICMP echo is answered, a sender that is no host is not', () => {
    const bench = new Bench();
    bench.send([packet(1100, { df: true, protocol: 1, first: 8 })]);
    expect(bench.answers).toHaveLength(1);
    for (const source of ['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255']) {
      const odd = packet(1100, { df: true });
      odd.set(ipv4Packet({ source: address(source), destination: PEER }).subarray(12, 16), 12);
      expect(bench.send([odd])).toEqual({ 'too-big': 1 });
    }
    expect(bench.answers).toHaveLength(1);
  });

  it('answers ten, then ten a second; every packet is counted', () => {
    const bench = new Bench();
    const flood = Array.from({ length: 60 }, () => packet(1100, { df: true }));
    expect(bench.send(flood, { now: 1000 })).toEqual({ 'too-big': 60 });
    expect(bench.answers).toHaveLength(10);
    bench.send(flood, { now: 1500 });
    expect(bench.answers).toHaveLength(15);
    bench.send(flood, { now: 60_000 });
    expect(bench.answers).toHaveLength(25);
  });
});

describe('IPv4 without DF', () => {
  it('goes in fragments that make the packet again (RFC 791 section 3.2)', () => {
    const bench = new Bench();
    const big = packet(1400);
    const small = packet(100);
    expect(bench.send([small, big, small])).toEqual({});
    const [before, first, second, after, ...none] = bench.live;
    expect(none).toEqual([]);
    expect([before, after]).toEqual([small, small]);
    if (first === undefined || second === undefined) throw new Error('no fragments');
    expect([first.length, second.length]).toEqual([20 + 976, 20 + 404]);
    expect([readU16(first, 6), readU16(second, 6)]).toEqual([0x2000, 976 / 8]);
    for (const piece of [first, second]) {
      expect(checkIpv4(piece, 0, piece.length)).toBe('ok');
      expect(onesComplement(sumWords(piece, 0, 20))).toBe(0);
      expect(piece.slice(12, 20)).toEqual(big.slice(12, 20));
      expect(readU16(piece, 4)).toBe(readU16(big, 4));
    }
    expect(Uint8Array.of(...first.subarray(20), ...second.subarray(20))).toEqual(big.slice(20));
    expect(bench.answers).toEqual([]);
    expect(bench.last?.session.filter((one) => one !== undefined)).toHaveLength(4);
  });

  it('a fragment is cut further and keeps its place', () => {
    const bench = new Bench();
    bench.send([packet(1400, { word: 0x2000 | 100 })]);
    expect(bench.live.map((piece) => readU16(piece, 6))).toEqual([0x2000 | 100, 0x2000 | (100 + 122)]);
    bench.send([packet(1400, { word: 100 })]);
    expect(bench.live.map((piece) => readU16(piece, 6))).toEqual([0x2000 | 100, 100 + 122]);
  });

  it('is dropped by name when the batch has no room for its fragments', () => {
    const bench = new Bench();
    expect(bench.send([packet(1400), packet(1400)], { capacity: 3 })).toEqual({ 'too-big': 1 });
    expect(bench.live).toHaveLength(2);
  });
});

describe('IPv6', () => {
  const big = ipv6Packet({ source: HOST6, destination: PEER6, payload: new Uint8Array(1400) });

  it('is dropped, and its sender told what fits (RFC 8201)', () => {
    const bench = new Bench(1304);
    expect(bench.send([big], { protocol: IPV6 })).toEqual({ 'too-big': 1 });
    const message = parseIcmpv6(bench.answers[0] ?? new Uint8Array(0));
    expect(message).toMatchObject({ source: GATEWAY6, destination: HOST6, type: 2 });
    expect(message && packetTooBigMtu(message)).toBe(1300);
  });

  it('errors are not answered', () => {
    const bench = new Bench(1304);
    const error = echoRequest6(HOST6, PEER6, new Uint8Array(1400));
    error[40] = 1;
    expect(bench.send([error], { protocol: IPV6 })).toEqual({ 'too-big': 1 });
    expect(bench.answers).toEqual([]);
  });
});
