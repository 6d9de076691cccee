import { describe, expect, it, vi } from 'vitest';
import { concatBytes } from '../../../../core/bytes/bytes.ts';
import { toHex } from '../../../../core/bytes/hex.ts';
import { BlockWriter } from '../../../../observability/capture/block-writer.ts';
import {
  enhancedPacket,
  interfaceDescription,
  interfaceStatistics,
  sectionHeader,
} from '../../../../observability/capture/pcapng.ts';
import { readPcapng } from '../../../support/pcapng.ts';

const hex = (...parts: readonly string[]): string => parts.join('').replaceAll(' ', '');

/** 2026-01-01 00:00:00.000001 in microseconds is 0x00064748_46204001. */
const TIME = 1_767_225_600_000_001;

const written = <T>(write: (out: BlockWriter, what: T) => void, what: T): Uint8Array => {
  const out = new BlockWriter(4);
  write(out, what);
  return out.take();
};

const PACKET = {
  interface: 0,
  time: TIME,
  bytes: Uint8Array.of(1, 2, 3, 4, 5),
  originalLength: 5,
  direction: 'in',
  packetId: 1,
  lostBefore: 0,
  comment: 'ü',
} as const;

describe('blocks of a pcapng file, octet by octet', () => {
  it('section header: byte order, version 1.0, length unknown, os, application, comment', () => {
    const block = written(sectionHeader, { os: 'linux', application: 'gw 1', comment: 'ab' });
    expect(toHex(block)).toBe(
      hex(
        '0a0d0d0a 3c000000 4d3c2b1a 0100 0000 ffffffffffffffff',
        '0300 0500 6c696e7578 000000',
        '0400 0400 67772031',
        '0100 0200 6162 0000',
        '0000 0000 3c000000',
      ),
    );
  });

  it('interface description: link type, snap length, name, description, microseconds', () => {
    const block = written(interfaceDescription, { linkType: 204, name: 'ppp', description: 'PPPs' });
    expect(toHex(block)).toBe(
      hex(
        '01000000 30000000 cc00 0000 ffff0000',
        '0200 0300 707070 00',
        '0300 0400 50505073',
        '0900 0100 06 000000',
        '0000 0000 30000000',
      ),
    );
  });

  it('packet: time with its high half first, captured and real length, padding, direction, packet id', () => {
    const block = written(enhancedPacket, {
      interface: 1,
      time: TIME,
      bytes: Uint8Array.of(1, 2, 3, 4, 5),
      originalLength: 9,
      direction: 'out',
      packetId: 0x1_0000_0002,
      lostBefore: 0,
    });
    expect(toHex(block)).toBe(
      hex(
        '06000000 40000000 01000000 48470600 01402046 05000000 09000000',
        '0102030405 000000',
        '0200 0400 02000000',
        '0500 0800 0200000001000000',
        '0000 0000 40000000',
      ),
    );
  });

  it('packet with a comment, and with the number of those lost before it', () => {
    const block = written(enhancedPacket, {
      interface: 0,
      time: 0,
      bytes: Uint8Array.of(0xaa, 0xbb, 0xcc, 0xdd),
      originalLength: 4,
      direction: 'in',
      packetId: 1,
      lostBefore: 3,
      comment: 'gone!',
    });
    expect(toHex(block)).toBe(
      hex(
        '06000000 54000000 00000000 00000000 00000000 04000000 04000000 aabbccdd',
        '0200 0400 01000000',
        '0400 0800 0300000000000000',
        '0500 0800 0100000000000000',
        '0100 0500 676f6e6521 000000',
        '0000 0000 54000000',
      ),
    );
  });

  it('statistics: start, end, seen, lost, accepted, delivered', () => {
    const block = written(interfaceStatistics, {
      interface: 2,
      time: 3,
      began: 1,
      ended: 3,
      seen: 7,
      lost: 2,
      written: 5,
    });
    expect(toHex(block)).toBe(
      hex(
        '05000000 64000000 02000000 00000000 03000000',
        '0200 0800 00000000 01000000',
        '0300 0800 00000000 03000000',
        '0400 0800 0700000000000000',
        '0500 0800 0200000000000000',
        '0600 0800 0700000000000000',
        '0800 0800 0500000000000000',
        '0000 0000 64000000',
      ),
    );
  });

  it('a comment that is far too long is cut, and the file stays readable', () => {
    const file = concatBytes(
      written(sectionHeader, { os: 'linux', application: 'gw', comment: 'x'.repeat(100_000) }),
      written(interfaceDescription, { linkType: 101, name: 'gre', description: 'ü'.repeat(100_000) }),
    );
    const { comment, interfaces } = readPcapng(file);
    expect(comment).toBe('x'.repeat(4096));
    expect(interfaces[0]?.description).toBe('ü'.repeat(4096));
  });
});

describe('blocks one behind the other', () => {
  it.each([1, 100, 1_000_000])('are the same octets in a buffer that had room for %i', (room) => {
    const out = new BlockWriter(room);
    for (let count = 0; count < 50; count += 1) enhancedPacket(out, PACKET);
    const one = written(enhancedPacket, PACKET);
    expect(toHex(out.take())).toBe(toHex(one).repeat(50));
  });

  it('need no buffer of their own: as many as fit lie in one', () => {
    const made: number[] = [];
    vi.stubGlobal(
      'Uint8Array',
      class extends Uint8Array {
        constructor(length: number) {
          super(length);
          made.push(length);
        }
      },
    );
    const out = new BlockWriter(100_000);
    for (let count = 0; count < 500; count += 1) enhancedPacket(out, PACKET);
    vi.unstubAllGlobals();
    expect(made.filter((length) => length > 0)).toEqual([100_000]);
  });

  it('that were taken are not written to again', () => {
    const out = new BlockWriter(1_000);
    enhancedPacket(out, PACKET);
    const first = out.take();
    const before = toHex(first);
    enhancedPacket(out, { ...PACKET, bytes: new Uint8Array(16).fill(0xff), originalLength: 16 });
    expect(toHex(first)).toBe(before);
    expect(out.take()).toHaveLength(first.length + 8);
    expect(out.take()).toHaveLength(0);
  });
});
