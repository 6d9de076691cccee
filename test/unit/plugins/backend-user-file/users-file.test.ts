import { describe, expect, test } from 'vitest';
import { isPrivate } from '../../../../plugins/backend-user-file/users-file.ts';

const OWN = 1723;

describe('a user file is private', () => {
  test.each([
    ['to its owner alone', 0o100600n, BigInt(OWN), OWN],
    ['to its owner, who may only read it', 0o100400n, BigInt(OWN), OWN],
    ['to root, for a gateway of root', 0o100600n, 0n, 0],
    ['to a group, where root has put it there for a gateway of somebody else', 0o100440n, 0n, OWN],
  ])('%s', (_, mode, uid, runner) => {
    expect(isPrivate({ mode, uid }, runner)).toBe(true);
  });

  test.each([
    ['its own owner lets a group read it', 0o100640n, BigInt(OWN), OWN],
    ['a group reads what root needs for itself alone', 0o100640n, 0n, 0],
    ['a group may write it, also where root has put it there', 0o100660n, 0n, OWN],
    ['everybody may read it, also where root has put it there', 0o100444n, 0n, OWN],
  ])('but not when %s', (_, mode, uid, runner) => {
    expect(isPrivate({ mode, uid }, runner)).toBe(false);
  });
});
