import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type LevelChange, LogLevels } from '../../../observability/log-levels.ts';
import { createLog } from '../../../observability/logger.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const open = (configured: 'debug' | 'info' | 'warn' | 'error') => {
  const levels = new LogLevels(configured);
  const lines: string[] = [];
  const log = createLog({
    level: levels,
    format: 'json',
    terminal: false,
    sink: { write: (line) => lines.push(line) },
  });
  const messages = (): unknown[] => lines.map((line) => (JSON.parse(line) as { readonly msg: unknown }).msg);
  return { levels, log, messages };
};

describe('the level of a log that runs', () => {
  it('is another one from the next line on, also for children made before', () => {
    const { levels, log, messages } = open('info');
    const child = log.child({ session: 's' });
    child.debug('a', 'not yet');
    levels.set('debug', { by: 'root' });
    child.debug('a', 'now');
    levels.set('error', { by: 'root' });
    child.warn('a', 'not any more');
    log.error('a', 'this always');
    expect(messages()).toEqual(['now', 'this always']);
  });

  it('goes back to the configured one when the time asked for is over', () => {
    const { levels } = open('warn');
    levels.set('debug', { by: 'root', seconds: 60 });
    expect(levels.state()).toEqual({ level: 'debug', configured: 'warn', secondsLeft: 60 });
    vi.advanceTimersByTime(59_000);
    expect(levels.state().level).toBe('debug');
    vi.advanceTimersByTime(1_000);
    expect(levels.state()).toEqual({ level: 'warn', configured: 'warn' });
  });

  it('a later wish replaces the time of an earlier one', () => {
    const { levels } = open('info');
    levels.set('debug', { by: 'root', seconds: 60 });
    levels.set('error', { by: 'root' });
    vi.advanceTimersByTime(120_000);
    expect(levels.state()).toEqual({ level: 'error', configured: 'info' });
  });

  it('SIGUSR2 goes to debug and back', () => {
    const { levels } = open('warn');
    levels.toggle('SIGUSR2');
    expect(levels.state().level).toBe('debug');
    levels.toggle('SIGUSR2');
    expect(levels.state().level).toBe('warn');
    const chatty = open('debug').levels;
    chatty.toggle('SIGUSR2');
    expect(chatty.state().level).toBe('info');
  });
});

describe('a change', () => {
  it('is not announced where it is what it was', () => {
    const { levels } = open('info');
    const told: LevelChange[] = [];
    levels.onChange((change) => void told.push(change));
    levels.set('debug', { by: 'supervisor' });
    levels.reconfigure('debug', 'SIGHUP');
    levels.set('debug', { by: 'supervisor' });
    expect(told.map(({ from, to }) => [from, to])).toEqual([['info', 'debug']]);
    levels.set('info', { by: 'root', seconds: 60 });
    levels.set('info', { by: 'root', seconds: 90 });
    expect(told.map(({ seconds }) => seconds)).toEqual([undefined, 60, 90]);
  });

  it('is announced while the more talkative of the two levels holds', () => {
    const { levels, log, messages } = open('info');
    levels.onChange(({ to }) => log.warn('log.level', `to ${to}`));
    levels.set('error', { by: 'root' });
    levels.set('debug', { by: 'root' });
    levels.set('info', { by: 'root' });
    expect(messages()).toEqual(['to error', 'to debug', 'to info']);
  });

  it('says who wanted it, and that its time was over', () => {
    const changes: LevelChange[] = [];
    const levels = new LogLevels('info');
    levels.onChange((change) => changes.push(change));
    levels.set('debug', { by: 'alice', seconds: 5 });
    vi.advanceTimersByTime(5_000);
    expect(changes).toEqual([
      { from: 'info', to: 'debug', by: 'alice', seconds: 5 },
      { from: 'debug', to: 'info', by: 'end of the time asked for' },
    ]);
  });
});

it('tells of changes the last one only that wanted to know, so that who comes again and again leaves nothing behind', () => {
  const levels = new LogLevels('info');
  const told: string[] = [];
  for (const name of ['first', 'second']) levels.afterChange(({ to }) => void told.push(`${name} ${to}`));
  levels.set('debug', { by: 'anna' });
  expect(told).toEqual(['second debug']);
});
