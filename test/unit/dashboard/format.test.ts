import { describe, expect, it } from 'vitest';
import {
  bitRate,
  bits,
  clockTime,
  compact,
  count,
  dateTime,
  duration,
  NOTHING,
  octets,
  percent,
  span,
} from '../../../dashboard/model/format.ts';

describe('numbers for people', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [1234, '1.23 kB'],
    [999_600, '1 MB'],
    [45_600_000, '45.6 MB'],
    [7.5e12, '7.5 TB'],
    [9e18, '9000 PB'],
  ])('%d octets: %s', (value, text) => {
    expect(octets(value)).toBe(text);
  });

  it('rates are of bits', () => {
    expect(bitRate(125)).toBe('1 kbit/s');
    expect(bits(12_500_000)).toBe('12.5 Mbit/s');
  });

  it('counts', () => {
    expect(count(1_234_567)).toBe('1,234,567');
    expect(compact(950)).toBe('950');
    expect(compact(12_345)).toBe('12.3k');
  });

  it.each([
    [0, '0 %'],
    [0.001, '<1 %'],
    [0.5, '50 %'],
    [0.998, '>99 %'],
    [1, '100 %'],
  ])('%d of one: %s', (part, text) => {
    expect(percent(part)).toBe(text);
  });

  it.each([
    [4.9, '4 s'],
    [185, '3 min 05 s'],
    [7500, '2 h 05 min'],
    [273_600, '3 d 04 h'],
    [-3, '0 s'],
  ])('%d s: %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  it.each([
    [0.00034, '340 µs'],
    [0.0123, '12.3 ms'],
    [1.25, '1.25 s'],
    [75, '1 min 15 s'],
  ])('a span of %d s: %s', (seconds, text) => {
    expect(span(seconds)).toBe(text);
  });

  it('times where the reader is', () => {
    const when = new Date(2026, 10, 22, 4, 3, 9);
    expect(clockTime(when.getTime())).toBe('04:03:09');
    expect(dateTime(when.toISOString())).toBe('2026-11-22 04:03:09');
  });

  it('what is no number has a sign of its own', () => {
    for (const text of [octets(Number.NaN), count(Number.POSITIVE_INFINITY), clockTime('soon'), duration(Number.NaN)]) {
      expect(text).toBe(NOTHING);
    }
  });
});
