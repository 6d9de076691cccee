import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventStream, type ServerEvent } from '../../../gateway/cli/event-stream.ts';

const oneLine = fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replace(/[\r\n]/g, ' '));
const name = oneLine.map((text) => `x${text}`);
const event = fc.record({
  event: name,
  data: fc.array(oneLine, { minLength: 1, maxLength: 4 }).map((lines) => lines.join('\n')),
});
const lineEnd = fc.constantFrom('\n', '\r', '\r\n');

/** An event as a server may write it, with comments in between. */
const written = ({ event: called, data }: ServerEvent, end: string): string =>
  [': comment', `event: ${called}`, ...data.split('\n').map((line) => `data: ${line}`), '', ''].join(end);

const cutAt = (bytes: Uint8Array, cuts: readonly number[]): readonly Uint8Array[] => {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
};

describe('a stream of server-sent events', () => {
  it('says the same in whatever pieces it comes', () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 6 }),
        lineEnd,
        fc.array(fc.nat(4000), { maxLength: 12 }),
        (events, end, cuts) => {
          const bytes = new TextEncoder().encode(events.map((one) => written(one, end)).join(''));
          const stream = new EventStream();
          const heard = cutAt(bytes, cuts).flatMap((piece) => stream.push(piece));
          expect(heard).toEqual(events);
        },
      ),
    );
  });

  it('takes any octets', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 20 }), (pieces) => {
        const stream = new EventStream();
        for (const piece of pieces) {
          for (const { event: called, data } of stream.push(piece)) {
            expect([typeof called, typeof data]).toEqual(['string', 'string']);
          }
        }
      }),
    );
  });
});
