import { beforeEach, describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../core/errors.ts';
import type { HandOver } from '../../../../core/ports/handover.ts';
import type { Lifecycle } from '../../../../core/ports/lifecycle.ts';
import { HandedParts, startedBeside } from '../../../../gateway/upgrade/handed-parts.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

let steps: string[];
let log: MemoryLog;
beforeEach(() => {
  steps = [];
  log = new MemoryLog();
});

/** A part that notes each of its steps; `does` are those that do something else. */
const part = (name: string, does: HandOver | 'none' = {}): Lifecycle => {
  const step =
    <T>(what: string, result: T) =>
    async (): Promise<T> => {
      steps.push(`${name} ${what}`);
      return result;
    };
  return {
    name,
    start: step('start', undefined),
    stop: step('stop', undefined),
    ...(does === 'none'
      ? {}
      : {
          handOver: {
            startBeside: step('starts beside', undefined),
            rest: step('rests', undefined),
            release: step('releases', `what ${name} knows`),
            takeOver: async (state: unknown) => void steps.push(`${name} takes over ${state}`),
            serve: () => void steps.push(`${name} serves`),
            takeBack: step('takes back', undefined),
            ...does,
          },
        }),
  };
};

describe('parts of plug-ins that go on in another process', () => {
  it('let go in reverse, take over in order, serve, and end where they were', async () => {
    const parts = new HandedParts([part('a'), part('other', 'none'), part('b')], log);
    await parts.rest();
    const sent = await parts.release();
    expect(sent.map(({ name }) => name)).toEqual(['b', 'a']);
    await parts.takeOver(sent);
    parts.serve();
    await parts.stop();
    expect(steps).toEqual([
      'a rests',
      'b rests',
      'b releases',
      'a releases',
      'a takes over what a knows',
      'b takes over what b knows',
      'a serves',
      'b serves',
      'a stop',
      'b stop',
    ]);
  });

  it('are started beside the ones that serve, where they say how', async () => {
    const { signal } = new AbortController();
    await startedBeside(part('a')).start(signal);
    await startedBeside({ ...part('b', 'none'), handOver: {} }).start(signal);
    await startedBeside(part('c', 'none')).start(signal);
    await startedBeside(part('d')).stop();
    expect(steps).toEqual(['a starts beside', 'b start', 'c start', 'd stop']);
  });

  it('may do nothing at any step', async () => {
    const parts = new HandedParts([{ ...part('quiet', 'none'), handOver: {} }], log);
    await parts.rest();
    const sent = await parts.release();
    expect(sent).toEqual([{ name: 'quiet', state: undefined }]);
    await parts.takeOver(sent);
    await parts.takeBack();
    parts.serve();
    expect(steps).toEqual([]);
  });

  it('fail the upgrade where one of them cannot let go or cannot go on, in words', async () => {
    const refuse = async (): Promise<never> => {
      throw new Error('the disk is full\nat somewhere');
    };
    await expect(new HandedParts([part('a', { release: refuse })], log).release()).rejects.toMatchObject({
      code: 'UPGRADE_FAILED',
      message: 'a cannot let go, and this process goes on: the disk is full.',
    });
    await expect(new HandedParts([part('a', { takeOver: refuse })], log).takeOver([])).rejects.toMatchObject({
      code: 'UPGRADE_FAILED',
      message: 'a cannot go on: the disk is full.',
    });
    const taken = new GatewayError('PORT_TAKEN', 'it is taken');
    const busy = part('a', { takeOver: () => Promise.reject(taken) });
    await expect(new HandedParts([busy], log).takeOver([])).rejects.toBe(taken);
  });

  it('fail the upgrade where nobody would go on with what one of them knows', async () => {
    const gone = [{ name: 'ledger', state: { page: 1 } }];
    for (const parts of [[], [{ ...part('ledger', 'none'), handOver: {} }]]) {
      await expect(new HandedParts(parts, log).takeOver(gone)).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('put back what was there before and upgrade'),
      });
    }
    await new HandedParts([], log).takeOver([{ name: 'ledger', state: undefined }]);
  });

  it('do not keep each other from resting, going back, serving and ending', async () => {
    const wrong = (): never => {
      throw new Error('wrong');
    };
    const faulty: Lifecycle = {
      ...part('a', { rest: wrong, takeBack: wrong, serve: wrong }),
      stop: () => Promise.reject(new Error('wrong')),
    };
    const parts = new HandedParts([faulty, part('b')], log);
    await parts.rest();
    await parts.takeBack();
    parts.serve();
    await parts.stop();
    expect(steps).toEqual(['b rests', 'b takes back', 'b serves', 'b stop']);
    expect(log.lines.map(({ event }) => event)).toEqual(['upgrade.not-taken-back', 'upgrade.fault', 'upgrade.remains']);
  });

  it('let go of nothing more once this process goes on, however long one of them took', async () => {
    let letGo = (): void => undefined;
    const slow = part('b', {
      release: () =>
        new Promise((resolve) => {
          letGo = () => resolve(undefined);
        }),
    });
    const parts = new HandedParts([part('a'), slow], log);
    const released = parts.release();
    await parts.takeBack();
    letGo();
    await expect(released).rejects.toMatchObject({ code: 'UPGRADE_FAILED' });
    expect(steps).toEqual(['a takes back', 'b takes back']);
  });

  it('do not keep the process that was replaced, where one of them never ends', async () => {
    const endless: Lifecycle = { ...part('a'), stop: () => new Promise(() => undefined) };
    await new HandedParts([endless, part('b')], log, 1).stop();
    expect(steps).toEqual(['b stop']);
    expect(log.lines.map(({ event }) => event)).toEqual(['upgrade.remains']);
  });
});
