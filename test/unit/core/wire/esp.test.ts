import { describe, expect, it } from 'vitest';
import {
  checkEsp,
  espCapacity,
  espLength,
  espPadding,
  espPayloadLength,
  espSequence,
  espSpi,
  writeEspHeader,
  writeEspTrailer,
} from '../../../../core/wire/esp.ts';

const GCM = { ivLength: 8, icvLength: 16, block: 4 };
const CBC = { ivLength: 16, icvLength: 16, block: 16 };

describe('an ESP packet', () => {
  it('begins with SPI and sequence number', () => {
    const b = new Uint8Array(12);
    writeEspHeader(b, 2, 0xdeadbeef, 0xfffffffe);
    expect([...b]).toEqual([0, 0, 0xde, 0xad, 0xbe, 0xef, 0xff, 0xff, 0xff, 0xfe, 0, 0]);
    expect([espSpi(b, 2), espSequence(b, 2)]).toEqual([0xdeadbeef, 0xfffffffe]);
  });

  it('is padded to the block with 1, 2, 3 ... and says how much', () => {
    expect([0, 1, 2, 3, 4].map((payload) => espPadding(payload, 4))).toEqual([2, 1, 0, 3, 2]);
    expect([14, 15, 30].map((payload) => espPadding(payload, 16))).toEqual([0, 15, 0]);
    const b = Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9);
    writeEspTrailer(b, 3, 3, 17);
    expect([...b]).toEqual([9, 9, 9, 1, 2, 3, 3, 17]);
    expect(espPayloadLength(b, 0, 8)).toBe(3);
  });

  it('with padding that is wrong or too long is refused', () => {
    expect(espPayloadLength(Uint8Array.of(1, 3, 2, 6), 0, 4)).toBe(-1);
    expect(espPayloadLength(Uint8Array.of(1, 2, 3, 6), 0, 4)).toBe(-1);
    expect(espPayloadLength(Uint8Array.of(1, 2, 2, 6), 0, 4)).toBe(0);
    expect(espPayloadLength(Uint8Array.of(6), 0, 1)).toBe(-1);
    expect(espPayloadLength(Uint8Array.of(0, 59), 0, 2)).toBe(0);
  });

  it('has room for a payload and no more: length and capacity agree', () => {
    for (const shape of [GCM, CBC]) {
      for (let room = 60; room < 200; room += 1) {
        const most = espCapacity(room, shape);
        expect(espLength(most, shape)).toBeLessThanOrEqual(room);
        expect(espLength(most + 1, shape)).toBeGreaterThan(room);
      }
      expect(espCapacity(8 + shape.ivLength + 16 + shape.block - 1, shape)).toBe(-1);
    }
  });

  it('of a length that none can have is refused', () => {
    expect([7, 35, 36, 37, 40].map((length) => checkEsp(length, GCM))).toEqual([
      'truncated',
      'truncated',
      'ok',
      'malformed',
      'ok',
    ]);
    expect([55, 56, 60, 72].map((length) => checkEsp(length, CBC))).toEqual(['truncated', 'ok', 'malformed', 'ok']);
  });
});
