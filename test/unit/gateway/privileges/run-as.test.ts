import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../../config/load.ts';
import type { GatewayConfig } from '../../../../config/types.ts';
import { GatewayError } from '../../../../core/errors.ts';
import { type Account, accountOf } from '../../../../gateway/privileges/account.ts';
import { CAPABILITY, giveToPrograms, neededFor } from '../../../../gateway/privileges/capabilities.ts';
import { runAs } from '../../../../gateway/privileges/run-as.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

const FILES = {
  passwd: 'root:x:0:0::/root:/bin/sh\npptp:x:998:997::/:/bin/false\n1001:x:7:8::/:/bin/false\n',
  group: 'root:x:0:\npptp:x:997:\nssl:x:50:other,pptp\nvpn:x:60:pptp\n',
};

describe('who PPTP_RUN_AS names', () => {
  it.each<[string, Omit<Account, 'name'>]>([
    ['pptp', { uid: 998, gid: 997, groups: [50, 60] }],
    ['pptp:vpn', { uid: 998, gid: 60, groups: [50] }],
    ['998:5', { uid: 998, gid: 5, groups: [50, 60] }],
    ['4711', { uid: 4711, gid: 4711, groups: [] }],
    ['1001', { uid: 7, gid: 8, groups: [] }],
  ])('%s', (text, account) => {
    expect(accountOf(text, FILES)).toEqual({ name: text, ...account });
  });

  it.each(['root', '0', 'nobody-here', 'pptp:no-group'])('is nobody: %s', (text) => {
    expect(() => accountOf(text, FILES)).toThrow(GatewayError);
  });
});

describe('what is needed', () => {
  it('is a right to low ports only where there are some', () => {
    expect(neededFor([1723, 0, 8723])).toEqual([CAPABILITY.netAdmin, CAPABILITY.netRaw]);
    expect(neededFor([723])).toContain(CAPABILITY.netBindService);
  });

  it('is given to programs of an ordinary user, as far as it goes', () => {
    const given: (readonly number[])[] = [];
    const load = () => ({
      raiseAmbientCapabilities: (list: Int32Array) => given.push([...list]),
      becomeUser: () => undefined,
    });
    giveToPrograms(0, load);
    expect(given).toEqual([]);
    giveToPrograms(1000, load);
    expect(given).toEqual([[12, 13, 10]]);
    giveToPrograms(1000, () => {
      throw new GatewayError('NATIVE_MISSING', 'no addon');
    });
  });
});

describe('becoming somebody else', () => {
  let folder = '';
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const config = (env: Readonly<Record<string, string>>): GatewayConfig => {
    folder = mkdtempSync(join(tmpdir(), 'pptp-run-as-'));
    writeFileSync(join(folder, 'users.json'), '{}');
    return loadConfig({ env: { PPTP_STATE_DIR: folder, ...env } }).config;
  };
  const own = (uid: number, fails = false) => {
    const became: unknown[] = [];
    return {
      became,
      uid: () => uid,
      account: (name: string): Account => ({ name, uid: 4711, gid: 4712, groups: [3] }),
      load: () => ({
        raiseAmbientCapabilities: () => 0,
        becomeUser: (...order: unknown[]) => {
          if (fails) throw new Error('EPERM: operation not permitted, setuid');
          became.push(order);
        },
      }),
    };
  };

  // Only root gives files away.
  it.skipIf(process.geteuid?.() !== 0)('is done by root: what it kept goes along, and what is needed stays', () => {
    const log = new MemoryLog();
    const root = own(0);
    runAs(config({ PPTP_RUN_AS: 'me', PPTP_PORT: '723' }), log, root);
    expect(root.became).toEqual([[4711, 4712, Int32Array.of(3), Int32Array.of(12, 13, 10)]]);
    expect(log.events('info')).toEqual(['gateway.run-as']);
    for (const path of [folder, join(folder, 'users.json')]) {
      expect([statSync(path).uid, statSync(path).gid]).toEqual([4711, 4712]);
    }
    expect(() => runAs(config({ PPTP_RUN_AS: 'me' }), log, own(0, true))).toThrow(/cannot become me \(EPERM/);
  });

  it('is nothing where it is not asked for, or done', () => {
    const user = own(4711);
    runAs(config({ PPTP_RUN_AS: 'me' }), new MemoryLog(), user);
    runAs(config({}), new MemoryLog(), own(0));
    expect(user.became).toEqual([]);
  });

  it('says why it cannot be done', () => {
    const log = new MemoryLog();
    expect(() => runAs(config({ PPTP_RUN_AS: 'me' }), log, own(1000))).toThrow(/only root/);
  });
});
