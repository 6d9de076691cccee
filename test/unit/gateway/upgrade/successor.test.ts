import { afterEach, expect, it, vi } from 'vitest';
import { STATE_VERSION } from '../../../../gateway/upgrade/state-version.ts';
import { SUCCESSOR_VARIABLE, successorOf } from '../../../../gateway/upgrade/successor.ts';

class Ended extends Error {}

const { send } = process;
afterEach(() => {
  vi.restoreAllMocks();
  if (send === undefined) Reflect.deleteProperty(process, 'send');
  else process.send = send;
});

/** What a process tells that was started with this, by one with which it agrees on the form of the state. */
const startedWith = async (
  bequest: string,
): Promise<{ readonly told: readonly unknown[]; readonly ended: boolean }> => {
  const told: unknown[] = [];
  process.send = (message: unknown): boolean => told.push(message) > 0;
  const clock = { now: 1, host: 1 };
  const hello = { kind: 'hello', state: STATE_VERSION, version: '1', pid: 7, clock, config: {} };
  vi.spyOn(process, 'once').mockImplementation((_event, listener) => {
    Reflect.apply(listener, process, [hello]);
    return process;
  });
  vi.spyOn(process, 'exit').mockImplementation(() => {
    throw new Ended();
  });
  const env = { [SUCCESSOR_VARIABLE]: bequest };
  const ended = await successorOf(env).then(
    () => false,
    (cause: unknown) => cause instanceof Ended,
  );
  expect(env).toEqual({});
  return { told, ended };
};

it.each(['', '{"workers":[{}]}', '{"tun":{"fd":1,"about":""}}', '{"later":1}'])(
  'a process that cannot read what it inherits (%s) is no gateway beside the one that serves',
  async (bequest) => {
    const { told, ended } = await startedWith(bequest);
    expect(ended).toBe(true);
    expect(told.at(-1)).toMatchObject({ kind: 'failed', code: 'UPGRADE_REFUSED' });
  },
);

it('a process that inherits nothing is a gateway of its own', async () => {
  expect(await successorOf({})).toBeUndefined();
});
