import { afterEach, describe, expect, it, vi } from 'vitest';
import { untilToldToStop } from '../../../gateway/until-told.ts';
import { MemoryLog } from '../../support/memory-log.ts';

const bench = () => {
  let now = 5_000;
  const exit = vi.spyOn(process, 'exit').mockImplementation((() => undefined) as never);
  const log = new MemoryLog();
  const end = untilToldToStop(log, { now: () => now });
  return {
    log,
    end,
    exit,
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
  };
};

/** As the runtime reports a signal, without sending one. */
const signal = (name: 'SIGTERM' | 'SIGINT'): void => void process.emit(name, name);

describe('being told to stop', () => {
  const before = { SIGTERM: process.listeners('SIGTERM'), SIGINT: process.listeners('SIGINT') };
  afterEach(() => {
    vi.restoreAllMocks();
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      for (const listener of process.listeners(name)) {
        if (!before[name].includes(listener)) process.removeListener(name, listener);
      }
    }
  });

  it('takes the signals that arrive with the first one for the same wish', async () => {
    const { end, exit, log, pass } = bench();
    signal('SIGINT');
    pass(20);
    signal('SIGTERM');
    signal('SIGINT');
    expect(await end.promise).toBe(0);
    expect(exit).not.toHaveBeenCalled();
    expect(log.events('info')).toEqual(['gateway.stopping']);
  });

  it('stops at once when somebody asks again', () => {
    const { exit, pass } = bench();
    signal('SIGTERM');
    pass(1_000);
    signal('SIGTERM');
    expect(exit).toHaveBeenCalledWith(1);
  });

  it('does first what must be done before it stops at once', () => {
    const { end, exit, pass } = bench();
    const order: string[] = [];
    exit.mockImplementation((() => void order.push('exit')) as never);
    end.onHurry(() => void order.push('kill the workers'));
    signal('SIGTERM');
    expect(order).toEqual([]);
    pass(1_000);
    signal('SIGTERM');
    expect(order).toEqual(['kill the workers', 'exit']);
  });

  it('ends with 1 when a device died', async () => {
    const { end, log } = bench();
    end.fail('tun', new Error('the interface is gone'));
    expect(await end.promise).toBe(1);
    expect(log.events('error')).toEqual(['device.died']);
  });
});
