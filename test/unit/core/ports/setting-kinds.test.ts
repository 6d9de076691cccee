import { describe, expect, test } from 'vitest';
import * as formats from '../../../../config/formats.ts';
import { integer, oneOf, toggle } from '../../../../core/ports/setting-kinds.ts';

describe('kinds of settings', () => {
  test('a toggle is a word or a boolean, and no list that holds one', () => {
    expect(['on', 'TRUE', 1, true].map((value) => toggle.parse(value))).toEqual([true, true, true, true]);
    expect(['off', '0', false].map((value) => toggle.parse(value))).toEqual([false, false, false]);
    expect([['true'], { toString: () => 'true' }, null, undefined, '', 'perhaps'].map(toggle.parse)).toEqual(
      new Array(6).fill(undefined),
    );
  });

  test('a whole number is written without sign, point and exponent', () => {
    const kind = integer(1, 100, 'seconds');
    expect(['1', 100, '0100'].map((value) => kind.parse(value))).toEqual([1, 100, 100]);
    expect(['0', 101, '1e1', '+5', '5.0', 1.5, ['5'], ''].map((value) => kind.parse(value))).toEqual(
      new Array(8).fill(undefined),
    );
    expect(kind.expected).toBe('a whole number from 1 to 100 (seconds)');
  });

  test('one choice alone is named alone', () => {
    expect(oneOf('auto').expected).toBe('`auto`');
    expect(oneOf('a', 'b').expected).toBe('one of `a`, `b`');
  });

  test('keys of the gateway are read by the same kinds', () => {
    expect([formats.integer, formats.oneOf, formats.toggle]).toEqual([integer, oneOf, toggle]);
  });
});
