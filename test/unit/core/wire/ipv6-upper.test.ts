import { describe, expect, it } from 'vitest';
import { findUpper, newUpper } from '../../../../core/wire/ipv6-upper.ts';
import { address6, ipv6Packet } from '../../../support/ipv6-packets.ts';

const upperOf = (nextHeader: number, ...payload: readonly number[]) => {
  const upper = newUpper();
  const ends = { source: address6('fd00::1'), destination: address6('fd00::2') };
  findUpper(ipv6Packet({ ...ends, nextHeader, payload: Uint8Array.from(payload) }), 0, upper);
  return upper;
};
const empty = [0, 0, 0, 0, 0, 0];

describe('what is behind the extension headers', () => {
  it('is found at once when there are none', () => {
    expect(upperOf(50, 1, 2, 3)).toMatchObject({ protocol: 50, at: 40, later: false, fragment: false, routed: false });
  });

  it('is found behind hop-by-hop, destination options and routing headers of any length', () => {
    expect(upperOf(0, 60, 0, ...empty, 43, 1, ...empty, ...empty, 0, 0, 17, 0, ...empty, 1)).toMatchObject({
      protocol: 17,
      at: 40 + 8 + 16 + 8,
      routed: true,
    });
  });

  it('of a first fragment is its own, of later ones what the Fragment header says', () => {
    expect(upperOf(44, 17, 0, 0, 1, 0, 0, 0, 7, 1, 244)).toMatchObject({
      protocol: 17,
      at: 48,
      later: false,
      fragment: true,
    });
    expect(upperOf(44, 50, 0, 0, 8, 0, 0, 0, 7, 1, 244)).toMatchObject({ protocol: 50, later: true, fragment: true });
  });

  it('is unknown when headers are cut off, or there are too many', () => {
    expect(upperOf(0, 50, 0).protocol).toBe(-1);
    expect(upperOf(0, 50, 9, ...empty).protocol).toBe(-1);
    const many = Array.from({ length: 9 }, () => [60, 0, ...empty]).flat();
    expect(upperOf(60, ...many).protocol).toBe(-1);
  });
});
