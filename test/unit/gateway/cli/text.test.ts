import { describe, expect, it, test } from 'vitest';
import { tableOf } from '../../../../gateway/cli/table.ts';
import { cutText, padLeft, safeText, textWidth } from '../../../../gateway/cli/text.ts';
import {
  bitRateText,
  durationText,
  octetsText,
  packetRateText,
  parseBitRate,
  parseOctets,
  parseSpan,
  percentText,
} from '../../../../gateway/cli/units.ts';

const ESC = '\u001b';

describe('text of peers', () => {
  test.each([
    ['alice', 'alice'],
    ['Jürgen', 'Jürgen'],
    ['山田', '山田'],
    [`${ESC}[2J`, '\\x1b[2J'],
    ['a\r\nb', 'a\\x0d\\x0ab'],
    ['a\u202eb', 'a\\u{202e}b'],
    ['a\u200bb', 'a\\u{200b}b'],
    ['a\u009bb', 'a\\x9bb'],
    ['\ud800', '\\u{d800}'],
    ['a\u2028b', 'a\\u{2028}b'],
  ])('%j is shown as %j', (text, shown) => expect(safeText(text)).toBe(shown));

  test.each([
    ['abc', 3],
    ['山田', 4],
    ['e\u0301', 1],
    ['한글', 4],
    ['🙂', 2],
    ['ｆ', 2],
  ])('%j takes %i columns', (text, width) => expect(textWidth(text)).toBe(width));

  it('is cut at columns, not at characters', () => {
    expect(cutText('abcdef', 4)).toBe('abc…');
    expect(cutText('abcd', 4)).toBe('abcd');
    expect(cutText('山田太郎', 5)).toBe('山田…');
    expect(cutText('山田太郎', 4)).toBe('山…');
    expect(cutText('abc', 0)).toBe('');
    expect(padLeft('山', 4)).toBe('  山');
  });
});

describe('a table', () => {
  it('has columns as wide as what is in them, numbers to the right', () => {
    const lines = tableOf(
      [
        { title: 'USER', cell: ({ user }: { user: string; count: number }) => user },
        { title: 'COUNT', right: true, cell: ({ count }) => count },
        { title: 'END', cell: () => '' },
      ],
      [
        { user: '山田', count: 7 },
        { user: 'a\nb', count: 123_456 },
      ],
    );
    expect(lines).toEqual(['USER     COUNT  END', '山田         7', 'a\\x0ab  123456']);
  });
});

describe('units', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [1_234_567_890, '1.2 GB'],
    [999_949, '1.0 MB'],
    [99_940, '99.9 kB'],
    [123_456, '123 kB'],
  ])('%i octets are %s', (octets, text) => expect(octetsText(octets)).toBe(text));

  test.each([
    [1_300_000, '10.4 Mbit/s'],
    [0, '0 bit/s'],
    [125, '1.0 kbit/s'],
  ])('%i octets a second are %s', (rate, text) => expect(bitRateText(rate)).toBe(text));

  test.each([
    [0, '0 s'],
    [59.4, '59 s'],
    [60, '1 min'],
    [11_520, '3 h 12 min'],
    [86_400 + 59, '1 d'],
    [187_200, '2 d 4 h'],
  ])('%d s are %s', (seconds, text) => expect(durationText(seconds)).toBe(text));

  it('has rates of packets and shares', () => {
    expect(packetRateText(12_345)).toBe('12.3 k packets/s');
    expect(packetRateText(7)).toBe('7 packets/s');
    expect([percentText(0.051), percentText(0.87)]).toEqual(['5.1 %', '87 %']);
  });

  test.each([
    ['10M', 10_000_000],
    ['512k', 512_000],
    ['1.5G', 1_500_000_000],
    ['64000', 64_000],
    ['10 Mbit/s', 10_000_000],
  ])('the rate %s is %i bits a second', (text, rate) => expect(parseBitRate(text)).toBe(rate));

  test.each(['', 'M', '10X', '-1', '1e6', '10MB', '99999999999999G'])('%j is no rate', (text) =>
    expect(() => parseBitRate(text)).toThrow(/rate in bits/),
  );

  it('reads octets and times', () => {
    expect([parseOctets('5G'), parseOctets('5 GB'), parseOctets('12')]).toEqual([5e9, 5e9, 12]);
    expect(() => parseOctets('5bit')).toThrow(/octets/);
    expect(['90s', '10m', '2h', '7d', '15', '0'].map(parseSpan(7))).toEqual([90, 600, 7200, 604_800, 15, 0]);
    for (const text of ['', 'x', '1w', '1.5h', '-1', '8d']) {
      expect(() => parseSpan(7)(text)).toThrow(/time such as .* 7 days at most/);
    }
  });
});
