import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { ipv4 } from '../../core/bytes/ipv4-address.ts';
import { ConfiguredAssociations } from '../../plugins/ipsec-esp/configured-associations.ts';
import { WatchedFile } from '../../plugins/policy-kit/watched-file.ts';
import { ProfilePolicy, readProfiles, UsageLedger } from '../../plugins/policy-profile/index.ts';
import { CoaServer } from '../../plugins/radius/coa/index.ts';
import { lifecycleContract } from '../../testing/contract/lifecycle.ts';
import { runContract } from '../../testing/suite.ts';
import { AccountingRig } from '../support/accounting-rig.ts';
import { CoaRig } from '../support/coa-rig.ts';
import { EspRig } from '../support/esp-rig.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryLog } from '../support/memory-log.ts';
import { PolicyWorld } from '../support/policy-world.ts';

const now = (): number => Date.UTC(2026, 0);

runContract(
  lifecycleContract('radius-accounting', async () => {
    const rig = new AccountingRig();
    return {
      lifecycle: rig.accounting.lifecycle,
      teardown: async () => rmSync(rig.folder, { recursive: true, force: true }),
    };
  }),
  { describe, it },
);

runContract(
  lifecycleContract('radius-coa', async () => {
    const { service, log, clock } = new CoaRig();
    return { lifecycle: new CoaServer({ address: ipv4(0x7f000001), port: 0 }, service, log, clock) };
  }),
  { describe, it },
);

runContract(
  lifecycleContract('ipsec-esp', async () => {
    const { table, log } = new EspRig();
    return { lifecycle: new ConfiguredAssociations(table, log, { now }, undefined) };
  }),
  { describe, it },
);

runContract(
  lifecycleContract('policy-profile', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pptp-profiles-'));
    const path = join(folder, 'profiles.json');
    writeFileSync(path, '{"users": {"alice": {"quotaPerDay": "1G"}}}');
    const log = new MemoryLog();
    const file = new WatchedFile({ name: 'policy-profile', path, read: readProfiles, log, clock: new FakeClock() });
    const ledger = new UsageLedger(join(folder, 'usage'), 0, 'UTC');
    return {
      lifecycle: new ProfilePolicy({ file, sessions: new PolicyWorld(), wallClock: { now }, log, ledger }),
      teardown: async () => rmSync(folder, { recursive: true, force: true }),
    };
  }),
  { describe, it },
);
