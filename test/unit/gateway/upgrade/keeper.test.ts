import { PassThrough } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import { keepWatch, passSignals } from '../../../../gateway/upgrade/keeper.ts';
import { eventually } from '../../../support/eventually.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'] as const;
const before = SIGNALS.map((signal) => [signal, process.listeners(signal)] as const);

afterEach(() => {
  for (const [signal, listeners] of before) {
    process.removeAllListeners(signal);
    for (const one of listeners) process.on(signal, one);
  }
  vi.restoreAllMocks();
});

test('passes signals on to who serves now, and ends with its code', async () => {
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
  const line = new PassThrough();
  const code = keepWatch(111, line, new MemoryLog());
  process.emit('SIGHUP');
  expect(kill).toHaveBeenLastCalledWith(111, 'SIGHUP');
  // Cut anywhere, as pipes do.
  line.write('pid 22');
  line.write('2\nsomething else\n');
  await eventually(() => {
    process.emit('SIGTERM');
    expect(kill).toHaveBeenLastCalledWith(222, 'SIGTERM');
  });
  line.write('exit 7\n');
  line.end();
  expect(await code).toBe(7);
});

test('fails when who serves is gone without a word', async () => {
  const line = new PassThrough();
  const code = keepWatch(111, line, new MemoryLog());
  line.destroy();
  expect(await code).toBe(1);
});

test('a signal for a process that is gone just now does no harm', async () => {
  vi.spyOn(process, 'kill').mockImplementation(() => {
    throw new Error('ESRCH');
  });
  const line = new PassThrough();
  const code = keepWatch(111, line, new MemoryLog());
  expect(() => process.emit('SIGTERM')).not.toThrow();
  line.end();
  expect(await code).toBe(1);
});

test('a terminal that is gone ends the gateway, as it did before the upgrade', () => {
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
  passSignals(() => 111, true);
  process.emit('SIGHUP');
  expect(kill.mock.calls).toEqual([[111, 'SIGTERM']]);
});

test('a signal has somebody who hears it at any moment', () => {
  const counts: number[] = [];
  const before = (): void => undefined;
  process.on('SIGTERM', before);
  const note = (name: string | symbol): void => {
    if (name === 'SIGTERM') counts.push(process.listenerCount('SIGTERM'));
  };
  process.on('removeListener', note);
  passSignals(() => 111);
  process.off('removeListener', note);
  expect(counts.length).toBeGreaterThan(0);
  expect(Math.min(...counts)).toBeGreaterThan(0);
});
