import { describe, expect, it } from 'vitest';
import {
  type PolicySessionsOptions,
  policySessionsPlugin,
  SessionsPolicy,
} from '../../../../plugins/policy-sessions/index.ts';
import { MemoryLog } from '../../../support/memory-log.ts';
import { neverAborted, PolicyWorld, request } from '../../../support/policy-world.ts';

const bench = (options: Partial<PolicySessionsOptions> = {}) => {
  const world = new PolicyWorld();
  const policy = new SessionsPolicy(
    { limit: 1, onLimit: 'refuse', users: new Map(), ...options },
    world,
    new MemoryLog(),
  );
  return {
    world,
    policy,
    /** A session that is up since its beginning. */
    up: (id: string, identity: string, at: number) => world.up(world.proven(id, identity, at).id, at),
    admit: (id: string, identity: string, at: number) =>
      policy.admit(request(world.proven(id, identity, at), at), neverAborted),
  };
};

describe('the limit of sessions per user', () => {
  it('refuses one session too many, with a word and a sentence', async () => {
    const { up, admit } = bench();
    up('a', 'alice', 1);
    expect(await admit('b', 'alice', 2)).toEqual({
      admit: false,
      denial: 'too-many-sessions',
      detail: 'The user has 1 other session, and may have 1 in all.',
    });
    expect(await admit('c', 'bob', 3)).toEqual({ admit: true });
  });

  it('is of each user: numbers of single users go before, without case; 0 lets one not in', async () => {
    const { up, admit } = bench({
      users: new Map([
        ['alice', 2],
        ['carol', 0],
      ]),
    });
    up('a', 'Alice', 1);
    expect(await admit('b', 'alice', 2)).toEqual({ admit: true });
    expect(await admit('c', 'ALICE', 3)).toMatchObject({ admit: false });
    expect(await admit('d', 'carol', 3)).toMatchObject({ admit: false });
  });

  it('does not count the session itself when its user proves itself again', async () => {
    const { world, policy, up } = bench();
    const facts = up('a', 'alice', 1);
    if (facts === undefined) throw new Error('no session');
    expect(await policy.admit(request(facts, 9), neverAborted)).toEqual({ admit: true });
    expect(world.ended).toEqual([]);
  });

  it('is that of the name without its domain, unless the name with it has one', async () => {
    const { admit } = bench({
      users: new Map([
        ['carol', 0],
        ['lab\\carol', 1],
      ]),
    });
    expect(await admit('a', 'CORP\\carol', 1)).toMatchObject({ admit: false });
    expect(await admit('b', 'LAB\\carol', 1)).toEqual({ admit: true });
  });

  it('does not take a session that is up for a second one, whoever is on the way', async () => {
    const { world, policy, up } = bench();
    world.proven('slow', 'alice', 1);
    const facts = up('a', 'alice', 2);
    if (facts === undefined) throw new Error('no session');
    expect(await policy.admit(request(facts, 9), neverAborted)).toEqual({ admit: true });
  });

  it('of two that log in at once keeps the one whose call began first, and both know', async () => {
    const { world, policy } = bench();
    const [first, second] = [world.proven('x', 'alice', 5), world.proven('y', 'alice', 6)];
    const answers = await Promise.all([first, second].map((one) => policy.admit(request(one, 7), neverAborted)));
    expect(answers.map(({ admit }) => admit)).toEqual([true, false]);
  });

  it('replaces the one that has been up longest', async () => {
    const { world, up, admit } = bench({ onLimit: 'replace', limit: 2 });
    up('a', 'alice', 2);
    up('b', 'alice', 1);
    expect(await admit('c', 'alice', 3)).toEqual({ admit: true });
    expect(world.ended).toMatchObject([{ id: 'b', ending: { reason: 'administrative' } }]);
  });

  it('of two that replace at once keeps the one that is up last', async () => {
    const { world, policy, up } = bench({ onLimit: 'replace' });
    up('a', 'alice', 1);
    const both = [world.proven('x', 'alice', 5), world.proven('y', 'alice', 6)];
    const answers = await Promise.all(both.map((one) => policy.admit(request(one, 7), neverAborted)));
    expect(answers).toEqual([{ admit: true }, { admit: true }]);
    for (const { id } of both.toReversed()) {
      const facts = world.up(id, id === 'x' ? 9 : 8);
      if (facts !== undefined) policy.up(facts);
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect([...world.facts.keys()]).toEqual(['x']);
  });

  it('looks again when a network comes up', async () => {
    const { world, policy, up } = bench();
    up('a', 'alice', 1);
    const late = up('b', 'alice', 2);
    if (late === undefined) throw new Error('no session');
    policy.up(late);
    await new Promise((resolve) => setImmediate(resolve));
    expect(world.ended).toMatchObject([{ id: 'b' }]);
  });
});

describe('the settings', () => {
  it.each([
    [
      'alice=3, bob=1',
      [
        ['alice', 3],
        ['bob', 1],
      ],
    ],
    [{ Alice: 3 }, [['alice', 3]]],
    ['', []],
  ])('take %j', (given, users) => {
    expect([...(policySessionsPlugin.settings?.users.kind.parse(given) ?? [])]).toEqual(users);
  });

  it.each(['alice', 'alice=', 'alice=x', 'alice=100000', 7])('refuse %j', (given) => {
    expect(policySessionsPlugin.settings?.users.kind.parse(given)).toBeUndefined();
  });
});
