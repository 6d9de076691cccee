import { describe, expect, it } from 'vitest';
import { TOKENS } from '../../../../core/tokens.ts';
import { IpsecHooks } from '../../../../gateway/ipsec-hooks.ts';
import type { LoadedPlugin } from '../../../../gateway/plugin-loader.ts';
import type { Claim } from '../../../../gateway/plugins/bindings.ts';
import { immovable } from '../../../../gateway/upgrade/immovable.ts';

const plugin = (name: string, kind: 'built-in' | 'shipped'): LoadedPlugin => ({
  name,
  api: 1,
  requires: [],
  source: { kind },
  register: () => undefined,
});
const claims = (...list: readonly Claim[]) => ({ plugins: [], needs: [], claims: list });
const NOTHING = { start: () => Promise.resolve(), stop: () => Promise.resolve() };
const NO_PARTS = { listeners: [], lifecycles: [] };

describe('what cannot be handed over', () => {
  it('is nothing of a gateway without plug-ins, or with those that keep nothing', () => {
    const own = plugin('io-tun-linux', 'built-in');
    const ledger = plugin('ledger', 'shipped');
    expect(immovable(claims({ plugin: own, token: TOKENS.Tun }), NO_PARTS)).toEqual([]);
    expect(
      immovable(
        claims(
          { plugin: ledger, token: TOKENS.AccountingSink },
          { plugin: ledger, token: TOKENS.SessionPolicy },
          { plugin: ledger, token: Symbol('of its own') },
        ),
        NO_PARTS,
      ),
    ).toEqual([]);
  });

  it('is a plug-in that is started, unless it runs beside another one', () => {
    const started = claims({ plugin: plugin('radius', 'shipped'), token: TOKENS.Lifecycle });
    const lifecycles = [{ name: 'radius', ...NOTHING }];
    expect(immovable(started, { listeners: [], lifecycles })).toEqual([
      'The plug-in "radius" cannot be handed over (Lifecycle).',
    ]);
    const beside = [{ name: 'radius', ...NOTHING, runsBeside: true }];
    expect(immovable(started, { listeners: [], lifecycles: beside })).toEqual([]);
  });

  it('is a listener that is not told of what is up', () => {
    const parts = { listeners: [{ name: 'counter' }], lifecycles: [] };
    expect(immovable(claims(), parts)).toEqual([
      'counter keeps count of sessions, and cannot be told of those that are up.',
    ]);
    expect(immovable(claims(), { ...parts, listeners: [{ name: 'counter', restored: () => undefined }] })).toEqual([]);
  });

  it('is nothing of a plug-in whose parts are all handed over', () => {
    const esp = plugin('ipsec-esp', 'shipped');
    const own = claims(
      { plugin: esp, token: TOKENS.SecurityAssociations },
      { plugin: esp, token: TOKENS.Lifecycle },
      { plugin: esp, token: TOKENS.Lifecycle },
    );
    const handed = { name: 'table', ...NOTHING, handOver: {} };
    const beside = { name: 'reader', ...NOTHING, runsBeside: true };
    expect(immovable(own, { listeners: [], lifecycles: [handed, { ...handed, name: 'timers' }] })).toEqual([]);
    expect(immovable(own, { listeners: [], lifecycles: [handed, beside] })).toEqual([
      'The plug-in "ipsec-esp" cannot be handed over (SecurityAssociations).',
    ]);
    expect(immovable(own, { listeners: [], lifecycles: [handed, { name: 'port', ...NOTHING }] })).toEqual([
      'The plug-in "ipsec-esp" cannot be handed over (SecurityAssociations, Lifecycle).',
    ]);
    expect(immovable(own, { listeners: [], lifecycles: [handed, handed] })).toEqual([
      'Several parts of plug-ins are called table, and which of them is which another process cannot know.',
    ]);
  });

  it('is a hook for IPsec that is not told of what is up', () => {
    const hooked = claims({ plugin: plugin('ipsec-policy', 'shipped'), token: TOKENS.IpsecHook });
    const told = { name: 'told', restored: () => undefined };
    const parts = { listeners: [new IpsecHooks([told, { name: 'not told' }])], lifecycles: [] };
    expect(immovable(hooked, parts)).toEqual([
      'not told keeps count of sessions, and cannot be told of those that are up.',
    ]);
    expect(immovable(hooked, { listeners: [new IpsecHooks([told])], lifecycles: [] })).toEqual([]);
  });
});
