import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventParser, type ServerEvent } from '../../../dashboard/api/sse.ts';

const all = (...pieces: readonly string[]): readonly ServerEvent[] => {
  const parser = new EventParser();
  return pieces.flatMap((piece) => [...parser.push(piece)]);
};

describe('a stream of events', () => {
  it('an event ends with an empty line', () => {
    expect(all('event: stats\ndata: {"a":1}\n', '\n')).toEqual([{ event: 'stats', data: '{"a":1}' }]);
    expect(all('data: never ended\n')).toEqual([]);
  });

  it('several lines of data are one text; without a name it is a message', () => {
    expect(all('data: a\ndata:b\n\n')).toEqual([{ event: 'message', data: 'a\nb' }]);
  });

  it('comments, ids and events without data are passed over', () => {
    expect(all(': still here\n\nid: 7\nretry: 10\nevent: nothing\n\ndata: x\n\n')).toEqual([
      { event: 'message', data: 'x' },
    ]);
  });

  it('every end of a line there is', () => {
    expect(all('data: a\r\n\r\ndata: b\r\rdata: c\n\n')).toEqual(
      ['a', 'b', 'c'].map((data) => ({ event: 'message', data })),
    );
  });

  it('in any pieces it is the same', () => {
    const line = fc.constantFrom('data: x', 'data', 'event: e', ':c', '', 'id: 1', 'data: ü€');
    const text = fc
      .tuple(fc.array(line), fc.constantFrom('\n', '\r\n'))
      .map(([lines, end]) => lines.map((one) => one + end).join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(60)), (whole, cuts) => {
        const at = [...new Set(cuts)].sort((a, b) => a - b);
        const pieces = [...at, whole.length].map((end, index) => whole.slice(at[index - 1] ?? 0, end));
        expect(all(...pieces)).toEqual(all(whole));
      }),
    );
  });

  it('a line without end costs a bounded memory, and the next event is read', () => {
    const parser = new EventParser();
    for (let piece = 0; piece < 9; piece += 1) parser.push('x'.repeat(1 << 20));
    expect(parser.push('\n\ndata: on\n\n')).toEqual([{ event: 'message', data: 'on' }]);
  });
});
