import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../../config/load.ts';
import { ConfigError } from '../../../../config/problems.ts';
import type { GatewayConfig } from '../../../../config/types.ts';
import type { Ask } from '../../../../gateway/workers/ask.ts';
import { answerReloadOrders, type ReloadOrder } from '../../../../gateway/workers/reload-orders.ts';
import { testLife } from '../../../support/life.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const { config } = loadConfig({ env: {} });

/** A worker, and what is in force in it, by vendor names. */
const bench = () => {
  const inForce: string[] = [];
  const body = {
    sessions: () => 0,
    isEmpty: () => true,
    isWell: () => true,
    onFewer: () => undefined,
    refuseCalls: () => undefined,
    acceptCalls: () => undefined,
    endTunnels: async () => undefined,
    prepare: async ({ vendor }: GatewayConfig) => {
      if (vendor === 'wrong') throw new Error('not here');
      if (vendor === 'twice wrong')
        throw new ConfigError([{ key: 'vendor', message: 'no.' }, { message: 'Nor this.' }]);
      return () => void inForce.push(vendor);
    },
  };
  const life = testLife({ clock: new ManualClock(), body });
  let answerer: (order: ReloadOrder) => unknown = () => expect.fail('nobody answers');
  const answer = <Body, Answer>(ask: Ask<Body, Answer>, given: (body: Body) => Answer | Promise<Answer>): void => {
    answerer = (order) => (ask.isBody(order) ? given(order) : expect.fail('it is no order'));
  };
  answerReloadOrders({ answer }, life, { index: 0, count: 2 });
  const tell = async (order: 'prepare' | 'commit' | 'forget', id: number, vendor = ''): Promise<void> => {
    await answerer(order === 'prepare' ? { order, id, config: { ...config, vendor }, by: 'ann' } : { order, id });
  };
  return { life, inForce, tell };
};

describe('what a supervisor tells a worker about configurations', () => {
  it('is in force when it is told so, once', async () => {
    const { life, inForce, tell } = bench();
    await tell('prepare', 1, 'one');
    expect(inForce).toEqual([]);
    await tell('commit', 1);
    expect([inForce, life.config().config.vendor]).toEqual([['one'], 'one']);
    await expect(tell('commit', 1)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });

  it('keeps two apart: the word for one brings no other into force', async () => {
    const { inForce, tell } = bench();
    await tell('prepare', 1, 'the latest');
    await tell('prepare', 2, 'one that others refuse');
    await tell('commit', 1);
    await tell('forget', 2);
    expect(inForce).toEqual(['the latest']);
    await expect(tell('commit', 2)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });

  it('is refused with a line for each problem', async () => {
    const refusal = expect(bench().tell('prepare', 1, 'twice wrong')).rejects;
    await refusal.toMatchObject({ code: 'CONFIG_INVALID', message: 'vendor: no.\nNor this.' });
  });

  it('is forgotten where it was refused, or nobody has asked for it for long', async () => {
    const { inForce, tell } = bench();
    await expect(tell('prepare', 1, 'wrong')).rejects.toThrow('not here');
    await expect(tell('commit', 1)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    for (let id = 2; id < 8; id += 1) await tell('prepare', id, String(id));
    await expect(tell('commit', 2)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await tell('commit', 7);
    expect(inForce).toEqual(['7']);
  });
});
