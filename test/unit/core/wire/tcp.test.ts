import { describe, expect, it } from 'vitest';
import { clampTcpMss, findTcpMss, isTcpSyn } from '../../../../core/wire/tcp.ts';
import { tcp4 } from '../../../support/tcp-packets.ts';

const MSS_1460 = [2, 4, 0x05, 0xb4];
const tcpOf = (options: readonly number[], flags = 2): Uint8Array => tcp4({ options, flags }).subarray(20);

describe('TCP options', () => {
  it.each<[string, readonly number[], number]>([
    ['at the front', MSS_1460, 22],
    ['behind no-operations', [1, 1, 1, ...MSS_1460], 25],
    ['behind window scale and SACK', [3, 3, 7, 4, 2, ...MSS_1460], 27],
    ['none', [], -1],
    ['none among others', [1, 3, 3, 7, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0], -1],
    ['hidden behind the end of options', [0, ...MSS_1460], -1],
    ['of a wrong length', [2, 3, 5, 0], -1],
    ['behind an option of length 0', [3, 0, ...MSS_1460], -1],
    ['behind an option of length 1', [3, 1, ...MSS_1460], -1],
    ['behind an option that runs past the header', [3, 200, ...MSS_1460], -1],
    ['cut off', [1, 1, 2, 4], -1],
    ['a kind without its length', [1, 1, 1, 3], -1],
  ])('MSS: %s', (_, options, expected) => {
    const tcp = tcpOf(options);
    expect(findTcpMss(tcp, 0, tcp.length)).toBe(expected);
  });

  it('are not looked for beyond the octets there are', () => {
    const tcp = tcpOf(MSS_1460);
    for (let length = 0; length < tcp.length; length += 1) expect(findTcpMss(tcp, 0, length)).toBe(-1);
  });

  it('are not believed when the data offset is below 20 octets', () => {
    const tcp = tcpOf(MSS_1460);
    tcp[12] = 0x40;
    expect(findTcpMss(tcp, 0, tcp.length)).toBe(-1);
  });
});

describe('TCP SYN', () => {
  it.each([
    ['SYN', 0x02, true],
    ['SYN ACK', 0x12, true],
    ['ACK', 0x10, false],
    ['RST', 0x04, false],
  ])('%s', (_, flags, expected) => {
    const tcp = tcpOf([], flags);
    expect(isTcpSyn(tcp, 0, tcp.length)).toBe(expected);
    expect(isTcpSyn(tcp, 0, 19)).toBe(false);
  });

  it('says whether it lowered anything', () => {
    const tcp = tcpOf(MSS_1460);
    expect(clampTcpMss(tcp, 0, tcp.length, 1460)).toBe(false);
    expect(clampTcpMss(tcp, 0, tcp.length, 1356)).toBe(true);
    expect(clampTcpMss(tcp, 0, tcp.length, 1356)).toBe(false);
    expect([tcp[22], tcp[23]]).toEqual([1356 >> 8, 1356 & 0xff]);
  });
});
