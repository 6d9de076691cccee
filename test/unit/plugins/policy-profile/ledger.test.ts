import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { UsageLedger } from '../../../../plugins/policy-profile/index.ts';

const AT = Date.UTC(2026, 4, 5, 12);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pptp-ledger-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = async (where = folder): Promise<UsageLedger> => {
  const ledger = new UsageLedger(where, 0, 'UTC');
  await ledger.load();
  return ledger;
};

it('what users have moved goes on in another process, also what came after that one had read the file', async () => {
  const before = await open();
  await before.add('alice', 100, AT);
  const after = await open();
  const written = before.add('Alice', 20, AT);
  void before.add('bob', 3, AT);
  await after.takeOver(structuredClone(await before.release()));
  await written;
  await after.add('alice', 1, AT);
  expect(await after.used('alice', AT)).toEqual({ day: 121, month: 121 });
  const restarted = await open();
  expect(await restarted.used('alice', AT)).toEqual({ day: 121, month: 121 });
  expect(await restarted.used('bob', AT)).toEqual({ day: 3, month: 3 });
});

it('a folder of another name, or none before, is what the file there says', async () => {
  const before = await open(join(folder, 'old'));
  await before.add('alice', 100, AT);
  const there = await open(join(folder, 'new'));
  await there.add('alice', 7, AT);
  const after = await open(join(folder, 'new'));
  await after.takeOver(await before.release());
  await after.takeOver(undefined);
  expect(await after.used('alice', AT)).toEqual({ day: 7, month: 7 });
});

it('what is anything else is not believed', async () => {
  const ledger = await open();
  const state = await ledger.release();
  for (const bad of [{ version: 2 }, { ...state, users: [{ name: 'alice', day: -1, month: 0 }] }, 'page']) {
    await expect(ledger.takeOver(bad)).rejects.toThrow('cannot be read');
  }
});
