import { describe, expect, test } from 'vitest';
import { openSession } from '../../../support/batches.ts';

describe('what a peer says of itself', () => {
  test('is kept for each session, though sessions that say the same share it', () => {
    const [first, second] = [openSession(), openSession([], { local: 2 })];
    first.attribute('name', 'a client');
    second.attribute('name', 'a client');
    expect(second.attributes).toBe(first.attributes);
    first.attribute('left', '60 s');
    first.attribute('name', 'another');
    expect([...first.attributes]).toEqual([
      ['name', 'another'],
      ['left', '60 s'],
    ]);
    expect([...second.attributes]).toEqual([['name', 'a client']]);
  });

  test('of very many kinds is kept, too', () => {
    const sessions = Array.from({ length: 1000 }, (_, at) => {
      const session = openSession([], { local: at + 1 });
      session.attribute('name', `client ${at}`);
      return session;
    });
    expect(sessions.map(({ attributes }) => attributes.get('name'))).toEqual(sessions.map((_, at) => `client ${at}`));
  });

  test('that contains what separates name and value is not taken for something else', () => {
    const [first, second] = [openSession(), openSession([], { local: 2 })];
    first.attribute('a b', 'c');
    second.attribute('a', 'b c');
    expect([...first.attributes]).toEqual([['a b', 'c']]);
    expect([...second.attributes]).toEqual([['a', 'b c']]);
  });
});
