import { describe, expect, it } from 'vitest';
import type { Stage } from '../../../../core/datapath/stage.ts';
import type { Direction } from '../../../../core/outcome.ts';
import { orderStages } from '../../../../gateway/pipeline.ts';
import { planPoints } from '../../../../observability/capture/points.ts';
import { GatewayLab } from '../../../support/gateway-lab.ts';

const nothing = { process: () => undefined };
const plugin = (name: string, slot: number): Stage => ({ name, slot, inbound: nothing, outbound: nothing });

const summary = (stages: readonly Stage[], direction: Direction): Record<string, readonly string[]> =>
  Object.fromEntries(
    [...planPoints(stages)[direction]].flatMap(([stage, { points, settles, joinsClear }]) => {
      const what = [...(settles ? ['settles'] : []), ...points, ...(joinsClear ? ['joins clear'] : [])];
      return what.length === 0 ? [] : [[stage, what]];
    }),
  );

describe('where captures look', () => {
  it('in the pipeline of the gateway', () => {
    const { stages } = new GatewayLab({ env: { PPTP_GRE_WINDOW: 'on' } }).gateway;
    expect(summary(stages, 'in')).toEqual({
      'call-demux': ['settles'],
      sequence: ['ppp'],
      mppe: ['decrypted'],
    });
    expect(summary(stages, 'out')).toEqual({
      address: ['settles'],
      'mss-clamp': ['decrypted'],
      ppp: ['ppp'],
      'control-frames': ['joins clear'],
    });
  });

  it('between the stages of plug-ins: encrypted outside of MPPE, clear inside', () => {
    const { stages } = new GatewayLab().gateway;
    const more = orderStages([...stages, plugin('counter', 350), plugin('packer', 600), plugin('filter', 900)]);
    expect(summary(more, 'in')).toEqual({ 'call-demux': ['settles'], counter: ['ppp'], mppe: ['decrypted'] });
    expect(summary(more, 'out')).toEqual({
      address: ['settles'],
      packer: ['decrypted'],
      ppp: ['ppp'],
      'control-frames': ['joins clear'],
    });
  });
});
