import { expect, test } from 'vitest';
import { instant } from '../../../../core/time.ts';
import { SessionLog } from '../../../../gateway/session/session-log.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

test('each event has a budget of its own, whatever the level, and children spend from it', () => {
  let now = 0;
  const memory = new MemoryLog();
  const log = new SessionLog(memory, { session: 's' }, () => instant(now));
  const child = log.child({ part: 'link' });
  for (let i = 0; i < 20; i += 1) {
    log.debug('a', 'first');
    child.warn('b', 'second', { user: 'alice' });
  }
  child.error('a', 'third');
  log.info('c', 'fourth');
  expect(memory.lines.map(({ event }) => event).join('')).toBe(`${'ab'.repeat(10)}c`);

  now = 60_000;
  child.warn('b', 'second', { user: 'alice' });
  expect(memory.lines.at(-1)).toEqual({
    level: 'warn',
    event: 'b',
    message: 'second',
    fields: { session: 's', part: 'link', user: 'alice', notLogged: 10 },
  });
  log.info('a', 'fifth');
  expect(memory.lines.at(-1)?.fields).toEqual({ session: 's', notLogged: 11 });
});

test('a session that has rested writes on, with its fields and a fresh budget', () => {
  const memory = new MemoryLog();
  const log = new SessionLog(memory, { session: 's' }, () => instant(0));
  for (let i = 0; i < 20; i += 1) log.info('a', 'before');
  log.rest();
  for (let i = 0; i < 20; i += 1) log.info('a', 'after');
  expect(memory.lines.map(({ message }) => message)).toEqual([
    ...Array.from({ length: 10 }, () => 'before'),
    ...Array.from({ length: 10 }, () => 'after'),
  ]);
  expect(memory.lines.at(-1)?.fields).toEqual({ session: 's' });
});
