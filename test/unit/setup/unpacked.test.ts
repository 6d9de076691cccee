import { expect, test } from 'vitest';
import { UNPACKED_PROGRAMS, unpackPrograms } from '../../../setup/lib/unpacked.mjs';

test('nothing is fetched where the programs are there', async () => {
  const asked: string[] = [];
  const isInstalled = (program: string): boolean => asked.push(program) > 0;
  await unpackPrograms({ isRoot: false, hasApt: false, isInstalled });
  expect(asked).toEqual(Object.keys(UNPACKED_PROGRAMS));
});
