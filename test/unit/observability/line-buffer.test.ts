import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { flushLines, LineBuffer } from '../../../observability/line-buffer.ts';

const open = () => {
  const writes: string[] = [];
  const turns: (() => void)[] = [];
  const buffer = new LineBuffer({ write: (text) => writes.push(text) }, (task) => turns.push(task));
  return { buffer, writes, endTurn: () => turns.splice(0).forEach((task) => void task()) };
};

describe('lines of one turn', () => {
  test('a few are written at once, one by one', () => {
    const { buffer, writes } = open();
    for (const line of ['a\n', 'b\n', 'c\n', 'd\n']) buffer.write(line);
    expect(writes).toEqual(['a\n', 'b\n', 'c\n', 'd\n']);
  });

  test('many are joined at its end', () => {
    const { buffer, writes, endTurn } = open();
    for (const line of ['a\n', 'b\n', 'c\n', 'd\n', 'e\n', 'f\n']) buffer.write(line);
    expect(writes).toHaveLength(4);
    endTurn();
    expect(writes.slice(4)).toEqual(['e\nf\n']);
    buffer.write('g\n');
    expect(writes.at(-1)).toBe('g\n');
  });

  test('that wait are written when somebody asks, and not again at its end', () => {
    const { buffer, writes, endTurn } = open();
    for (const line of ['a\n', 'b\n', 'c\n', 'd\n', 'e\n']) buffer.write(line);
    flushLines();
    expect(writes.at(-1)).toBe('e\n');
    endTurn();
    expect(writes).toHaveLength(5);
  });

  test('wait for no more than their bound: a turn that says very much writes in the middle of it', () => {
    const { buffer, writes } = open();
    for (let line = 0; line < 4 + 70; line += 1) buffer.write(`${'x'.repeat(999)}\n`);
    expect(writes.join('').length).toBeGreaterThan(65_000);
  });

  test('none is lost, changed or out of order, and no write mixes with that of another process on a pipe', () => {
    const words = fc.array(fc.oneof(fc.constant('end of turn'), fc.string(), fc.string({ minLength: 3000 })));
    fc.assert(
      fc.property(words, (script) => {
        const { buffer, writes, endTurn } = open();
        const said: string[] = [];
        for (const word of script) {
          if (word === 'end of turn') endTurn();
          else {
            const line = `${word.replaceAll('\n', ' ')}\n`;
            said.push(line);
            buffer.write(line);
          }
        }
        endTurn();
        expect(writes.join('')).toBe(said.join(''));
        for (const text of writes) {
          const lines = text.split('\n').length - 1;
          expect(lines === 1 || Buffer.byteLength(text) <= 4096).toBe(true);
        }
      }),
    );
  });
});

test('the process writes what waits when it exits', () => {
  open();
  expect(process.listeners('exit')).toContain(flushLines);
});
