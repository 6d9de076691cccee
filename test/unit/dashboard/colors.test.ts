import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const sheet = readFileSync('dashboard/style/tokens.css', 'utf8');
const [, light = '', dark = ''] = /:root \{([^}]*)\}[^{]*\{([^}]*)\}/.exec(sheet) ?? [];

const luminance = (color: string): number => {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};

/** As WCAG 2 has it. */
const contrast = (a: string, b: string): number => {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
};

describe.each([
  ['light', light],
  ['dark', dark],
])('colours in the %s', (_name, tokens) => {
  const color = (name: string): string => {
    const found = new RegExp(`--${name}: (#[0-9a-f]{6});`).exec(tokens)?.[1];
    if (found === undefined) throw new Error(`no colour ${name}`);
    return found;
  };
  const text = [
    ...['text', 'muted', 'accent', 'in', 'out', 'bad'].flatMap((on) =>
      ['page', 'surface', 'raised'].map((under) => [on, under] as const),
    ),
    ...['good', 'warn', 'bad'].map((on) => [on, `${on}-soft`] as const),
    ['accent-text', 'accent'] as const,
    ['accent', 'accent-soft'] as const,
    ['text', 'accent-soft'] as const,
    ['text', 'bad-soft'] as const,
    ['in', 'bad-soft'] as const,
    ['out', 'bad-soft'] as const,
  ];

  it.each(text)('%s can be read on %s', (on, under) => {
    expect(contrast(color(on), color(under))).toBeGreaterThanOrEqual(4.5);
  });

  it.each(['control', 'accent', 'good', 'in', 'out'])('%s is seen as a mark', (mark) => {
    expect(contrast(color(mark), color('surface'))).toBeGreaterThanOrEqual(3);
  });
});
