import { expect, test } from 'vitest';
import { type Around, goOnWithout } from '../../../../gateway/upgrade/go-on.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

const RETRY_MS = 1;

const gate = (): { readonly promise: Promise<number>; open(value: number): void } => {
  let open: (value: number) => void = () => undefined;
  const promise = new Promise<number>((resolve) => {
    open = resolve;
  });
  return { promise, open: (value) => open(value) };
};

test('the work begins without what cannot be had, and has it as soon as it can be had', async () => {
  const log = new MemoryLog();
  const { promise, open } = gate();
  let begun = 0;
  let left = 3;
  const around: Around = async (work) => {
    left -= 1;
    if (left > 0) throw new Error('another program listens there');
    const result = work();
    open(7);
    return result;
  };
  const work = (): Promise<number> => {
    begun += 1;
    return promise;
  };
  expect(await goOnWithout(around, work, log, RETRY_MS)).toBe(7);
  expect(begun).toBe(1);
  expect(log.lines.map(({ level, event }) => `${level} ${event}`)).toEqual([
    'error upgrade.goes-on-without',
    'info upgrade.complete',
  ]);
});

test('ends with the work, though what was wanted never came', async () => {
  const log = new MemoryLog();
  const { promise, open } = gate();
  let tries = 0;
  const around: Around = () => {
    tries += 1;
    if (tries === 3) open(4);
    return Promise.reject(new Error('another program listens there'));
  };
  expect(await goOnWithout(around, () => promise, log, RETRY_MS)).toBe(4);
});

test('what the work itself rejects with is not taken for a service that is missing', async () => {
  const log = new MemoryLog();
  let begun = 0;
  const work = (): Promise<never> => {
    begun += 1;
    return Promise.reject(new Error('the device died'));
  };
  await expect(goOnWithout((inner) => inner(), work, log, RETRY_MS)).rejects.toThrow('the device died');
  await expect(goOnWithout(() => Promise.reject(new Error('no port')), work, log, RETRY_MS)).rejects.toThrow(
    'the device died',
  );
  expect(begun).toBe(2);
});
