import { describe, expect, test } from 'vitest';
import { type ExportedSpan, inOrder } from '../../support/exported-span.ts';
import { drawWaterfall, durationText } from '../../support/waterfall.ts';

const span = (spanId: string, parentSpanId: string, start: number, end: number, more = {}): ExportedSpan => ({
  traceId: 't',
  spanId,
  parentSpanId,
  name: `span.${spanId}`,
  status: {},
  start: `${start * 1_000_000}`,
  end: `${end * 1_000_000}`,
  service: 'gateway',
  attributes: {},
  events: [],
  links: [],
  ...more,
});

const root = span('root', '', 1_000, 1_100);
const TREE = [
  span('late', 'root', 1_050, 1_100),
  span('below', 'early', 1_010, 1_020),
  span('early', 'root', 1_000, 1_050),
  span('foreign', 'root', 1_000, 1_050, { traceId: 'other' }),
  root,
];

test('spans stand below their parents, by their beginnings', () => {
  expect(inOrder(TREE, root).map(({ span: { spanId }, depth }) => [spanId, depth])).toEqual([
    ['root', 0],
    ['early', 1],
    ['below', 2],
    ['late', 1],
  ]);
});

test.each([
  [1_452_000_000, '1.45 s'],
  [13_800_000, '13.8 ms'],
  [80_400, '80 µs'],
])('%i ns is %s', (nanoseconds, text) => {
  expect(durationText(nanoseconds)).toBe(text);
});

describe('the drawing', () => {
  const bars = (svg: string): number[][] =>
    [...svg.matchAll(/<rect x="(\d+)" y="\d+" width="(\d+)" height="12"/g)].map(([, x, width]) =>
      [x, width].map(Number),
    );

  test('has a row and a bar for each span, on one axis', () => {
    const svg = drawWaterfall(TREE, root, { title: 'A title' });
    expect([...svg.matchAll(/class="span">([^<]*)</g)].map(([, name]) => name)).toEqual(
      ['root', 'early', 'below', 'late'].map((id) => `span.${id}`),
    );
    const [whole = [], early = [], below = [], late = []] = bars(svg);
    expect(early).toEqual([whole[0], (whole[1] ?? 0) / 2]);
    expect(late).toEqual([(whole[0] ?? 0) + (whole[1] ?? 0) / 2, (whole[1] ?? 0) / 2]);
    expect(below).toEqual([(whole[0] ?? 0) + (whole[1] ?? 0) / 10, (whole[1] ?? 0) / 10]);
  });

  test('shows the attributes, events and links that are asked for, in lines that fit', () => {
    const long = `${'x'.repeat(100)} ${'y'.repeat(100)}`;
    const full = span('root', '', 1_000, 1_100, {
      attributes: { a: 1, b: '<&"', secret: 'no', long },
      events: [{ name: 'lcp.echo', at: '1010000000', attributes: { 'network.io.direction': 'receive', id: 7 } }],
      links: [{ traceId: 'abc', spanId: 'def' }],
    });
    const svg = drawWaterfall([full], full, {
      title: 'A title',
      attributes: { 'span.root': ['a', 'b', 'absent', 'long', 'links'] },
      events: ['span.root'],
    });
    const lines = [...svg.matchAll(/xml:space="preserve">([^<]*)</g)].map(([, line]) => line).slice(1);
    expect(lines).toEqual([
      'a = 1',
      'b = &lt;&amp;&quot;',
      `long = ${'x'.repeat(100)}`,
      `          ${'y'.repeat(100)}`,
      'link to the set-up: trace abc',
      ' 10.0 ms  receive  lcp.echo  id=7',
    ]);
  });

  test('marks spans that failed, with their sentence', () => {
    const failed = span('root', '', 1_000, 1_100, { status: { code: 2, message: 'wrong password' } });
    const svg = drawWaterfall([failed], failed, { title: '', attributes: { 'span.root': ['error.type'] } });
    expect(svg).toContain('status = error: wrong password');
    expect(svg.match(/<circle /g)).toHaveLength(1);
    expect(drawWaterfall([root], root, { title: '' })).not.toContain('<circle ');
  });
});
