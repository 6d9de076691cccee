import { describe, expect, it } from 'vitest';
import { instant } from '../../../../core/time.ts';
import { LIFE_DEFAULTS, type LifeInput, LifeMachine } from '../../../../gateway/life/life-machine.ts';

const at = (ms: number) => instant(ms);

const drain = (ms: number, more: Partial<Extract<LifeInput, { kind: 'drain' }>> = {}): LifeInput => ({
  kind: 'drain',
  ms,
  stop: false,
  final: false,
  by: 'ann',
  ...more,
});

const kinds = (effects: readonly { readonly kind: string }[]): readonly string[] => effects.map(({ kind }) => kind);

const ready = (): LifeMachine => {
  const life = new LifeMachine();
  expect(kinds(life.handle({ kind: 'started' }, at(0)))).toEqual(['changed']);
  return life;
};

describe('the phases of a gateway', () => {
  it('begin with a start, of which there is one', () => {
    const life = new LifeMachine();
    expect(life.phase).toBe('starting');
    life.handle({ kind: 'started' }, at(0));
    expect(life.phase).toBe('ready');
    expect(life.handle({ kind: 'started' }, at(1))).toEqual([]);
  });

  it('refuse calls at once, end what is left at the deadline, and then wait for nothing', () => {
    const life = ready();
    expect(kinds(life.handle(drain(10_000, { stop: true, final: true, by: 'SIGTERM' }), at(0)))).toEqual([
      'refuse',
      'changed',
    ]);
    expect([life.phase, life.deadline, life.thenStop, life.by]).toEqual(['draining', 10_000, true, 'SIGTERM']);
    expect(life.nextTimeout()).toBe(10_000);
    expect(life.handleTimeout(at(9_999))).toEqual([]);
    expect(kinds(life.handleTimeout(at(10_000)))).toEqual(['farewell']);
    expect(life.nextTimeout()).toBe(10_000 + LIFE_DEFAULTS.farewellMs);
    life.handle({ kind: 'told' }, at(10_500));
    expect(life.nextTimeout()).toBe(10_500 + LIFE_DEFAULTS.graceMs);
    expect(kinds(life.handleTimeout(at(12_500)))).toEqual(['changed', 'stop']);
    expect(life.phase).toBe('stopping');
    expect(life.nextTimeout()).toBeUndefined();
  });

  it('end as soon as no tunnel is left', () => {
    const life = ready();
    life.handle(drain(10_000, { stop: true }), at(0));
    expect(kinds(life.handle({ kind: 'empty' }, at(3)))).toEqual(['changed', 'stop']);
  });

  it('stay where a drain led that is not to end the process', () => {
    const life = ready();
    life.handle(drain(1_000), at(0));
    expect(life.handle({ kind: 'empty' }, at(3))).toEqual([]);
    expect(kinds(life.handleTimeout(at(1_000)))).toEqual(['farewell']);
    life.handle({ kind: 'told' }, at(1_000));
    expect(life.handleTimeout(at(3_000))).toEqual([]);
    expect([life.phase, life.nextTimeout()]).toEqual(['draining', undefined]);
    expect(kinds(life.handle({ kind: 'resume', by: 'bob' }, at(4_000)))).toEqual(['accept', 'changed']);
    expect([life.phase, life.by, life.deadline]).toEqual(['ready', 'bob', undefined]);
  });

  it('take the newest deadline, and the wish to stop for good', () => {
    const life = ready();
    life.handle(drain(1_000, { stop: true }), at(0));
    expect(kinds(life.handle(drain(60_000), at(500)))).toEqual(['changed']);
    expect([life.deadline, life.thenStop]).toEqual([60_500, true]);
    expect(life.handleTimeout(at(1_000))).toEqual([]);
  });

  it('tell a second time who came too late for the first farewell', () => {
    const life = ready();
    life.handle(drain(0), at(0));
    life.handle({ kind: 'told' }, at(0));
    life.handleTimeout(at(LIFE_DEFAULTS.graceMs));
    expect(kinds(life.handle(drain(0), at(9_000)))).toEqual(['changed', 'farewell']);
  });

  it('do not come back from a drain that a signal asked for', () => {
    const life = ready();
    life.handle(drain(1_000, { stop: true, final: true }), at(0));
    expect(life.handle({ kind: 'resume', by: 'bob' }, at(1))).toEqual([]);
    expect(life.phase).toBe('draining');
  });

  it('come back from one that somebody asked for who may take it back', () => {
    const life = ready();
    life.handle(drain(1_000, { stop: true }), at(0));
    life.handle({ kind: 'resume', by: 'bob' }, at(1));
    expect([life.phase, life.thenStop]).toEqual(['ready', false]);
    life.handle(drain(1_000), at(2));
    expect(life.handle({ kind: 'empty' }, at(3))).toEqual([]);
  });

  it('end a start that is told to stop, without a drain', () => {
    const life = new LifeMachine();
    expect(kinds(life.handle(drain(10_000, { stop: true }), at(0)))).toEqual(['refuse', 'changed', 'stop']);
  });

  it('go from a start that is drained to a gateway that takes no calls', () => {
    const life = new LifeMachine();
    life.handle(drain(10_000), at(0));
    expect(life.handle({ kind: 'started' }, at(1))).toEqual([]);
    expect(life.phase).toBe('draining');
    life.handle({ kind: 'resume', by: 'bob' }, at(2));
    expect(life.phase).toBe('ready');
  });

  it('wait for nothing with a time of 0', () => {
    expect(kinds(ready().handle(drain(0, { stop: true }), at(0)))).toEqual(['refuse', 'changed', 'stop']);
  });
});
