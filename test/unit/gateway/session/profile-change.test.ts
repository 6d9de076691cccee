import { describe, expect, it } from 'vitest';
import type { UserProfile } from '../../../../core/ports/profile.ts';
import { changedProfile, sameProfile } from '../../../../gateway/session/profile-change.ts';
import { address } from '../../../support/batches.ts';

describe('a change of a profile', () => {
  it('sets what it has, takes out what is undefined, and leaves the rest', () => {
    const profile = { idleSeconds: 5, filter: 'guests', address: address('10.99.0.7') };
    const changed = changedProfile(profile, { filter: undefined, sessionSeconds: 60 });
    expect(changed).toEqual({ idleSeconds: 5, sessionSeconds: 60, address: profile.address });
    expect('filter' in changed).toBe(false);
  });
});

describe('two profiles', () => {
  const classes = () => [Uint8Array.of(1, 2)];

  it.each<[UserProfile, UserProfile, boolean]>([
    [{}, {}, true],
    [{ classes: classes() }, { classes: classes() }, true],
    [{ classes: classes() }, { classes: [Uint8Array.of(1, 3)] }, false],
    [{ classes: classes() }, { classes: [] }, false],
    [{ rate: { up: { bitsPerSecond: 5 } } }, { rate: { up: { bitsPerSecond: 5 } } }, true],
    [{ rate: { up: { bitsPerSecond: 5 } } }, { rate: { down: { bitsPerSecond: 5 } } }, false],
    [{ idleSeconds: 0 }, {}, false],
  ])('%j and %j: the same is %s', (a, b, same) => {
    expect(sameProfile(a, b)).toBe(same);
    expect(sameProfile(b, a)).toBe(same);
  });
});
