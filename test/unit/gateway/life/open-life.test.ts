import { afterEach, expect, it } from 'vitest';
import { loadConfig } from '../../../../config/load.ts';
import { type OpenLife, openLife } from '../../../../gateway/life/open-life.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

let open: OpenLife | undefined;
afterEach(() => open?.close());

const told = (log: MemoryLog, event: string) => log.lines.filter((line) => line.event === event);

const hangUp = (times: number): void => {
  for (let at = 0; at < times; at += 1) process.emit('SIGHUP');
};

it('reads the configuration once for signals that come together, and again for those that come later', async () => {
  const log = new MemoryLog();
  open = openLife(loadConfig({ env: {} }), log, {}, false);
  open.life.started();
  hangUp(100);
  await expect.poll(() => told(log, 'config.reloaded').length).toBe(1);
  hangUp(100);
  await expect.poll(() => told(log, 'config.reloaded').length).toBe(2);
});

it('says so when it is told to read it while the gateway starts', async () => {
  const log = new MemoryLog();
  open = openLife(loadConfig({ env: {} }), log, {}, false);
  hangUp(1);
  await expect.poll(() => told(log, 'config.not-reloaded')).toMatchObject([{ level: 'warn', message: /is starting/ }]);
});
