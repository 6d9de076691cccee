import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { WatchedFile } from '../../../../plugins/policy-kit/watched-file.ts';
import {
  ProfileAddresses,
  ProfilePolicy,
  readProfiles,
  UsageLedger,
} from '../../../../plugins/policy-profile/index.ts';
import { address } from '../../../support/batches.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { MemoryLog } from '../../../support/memory-log.ts';
import { PolicyWorld, request } from '../../../support/policy-world.ts';

const read = (text: string) => {
  const mistakes: string[] = [];
  const profiles = readProfiles(parse(text), (mistake) => mistakes.push(mistake));
  return { profiles, mistakes };
};

describe('profiles in a file', () => {
  it('say all that a profile can', () => {
    const { profiles, mistakes } = read(`
everyone: { rate: 20M, idle: 30m }
users:
  alice:
    address: 10.99.0.10
    routes: [10.8.0.0/16, 10.9.1.1]
    pool: staff
    rate: { up: 2.5M, down: { rate: 20M, burst: 500k } }
    quota: 10G
    idle: 0
    session: 8h
    interim: 300
    filter: office
    dns: [10.0.0.53, 10.0.0.54]
    wins: 10.0.0.55
    mtu: 1300
    message: Welcome
`);
    expect(mistakes).toEqual([]);
    expect(profiles.everyone).toEqual({
      rate: { up: { bitsPerSecond: 20e6 }, down: { bitsPerSecond: 20e6 } },
      idleSeconds: 1800,
    });
    expect(profiles.users.get('alice')).toEqual({
      address: address('10.99.0.10'),
      routes: [
        { network: address('10.8.0.0'), prefixLength: 16 },
        { network: address('10.9.1.1'), prefixLength: 32 },
      ],
      pool: 'staff',
      rate: { up: { bitsPerSecond: 2.5e6 }, down: { bitsPerSecond: 20e6, burstOctets: 500_000 } },
      quotaOctets: 10e9,
      idleSeconds: 0,
      sessionSeconds: 28_800,
      interimSeconds: 300,
      filter: 'office',
      dns: [address('10.0.0.53'), address('10.0.0.54')],
      wins: [address('10.0.0.55')],
      mtu: 1300,
      message: 'Welcome',
    });
  });

  it.each([
    ['everyone: { address: 10.99.0.10 }', 'everyone.address: there is no such key'],
    ['users: { a: { adress: 10.99.0.10 } }', 'users.a.adress: there is no such key'],
    ['users: { a: { address: 10.99.0 } }', 'users.a.address must be an IPv4 address'],
    ['users: { a: { routes: [10.8.0.1/16] } }', 'users.a.routes must be a list'],
    ['users: { a: { rate: fast } }', 'users.a.rate must be bits'],
    ['users: { a: { rate: { up: { rate: 1M, burst: 10 } } } }', 'users.a.rate.up must be bits'],
    ['users: { a: { rate: { upward: 1M } } }', 'users.a.rate.upward: there is no such key'],
    ['users: { a: { session: 8 hours } }', 'users.a.session must be seconds'],
    ['users: { a: { dns: [10.0.0.1, 10.0.0.2, 10.0.0.3] } }', 'users.a.dns must be a list of at most 2'],
    ['users: { a: { mtu: 9000 } }', 'users.a.mtu must be'],
    ['users: { a: {}, A: {} }', 'users.A is there twice'],
    ['users: { a: { address: 10.1.1.1 }, b: { address: 10.1.1.1 } }', 'users.b.address is that of a'],
    ['users: { a: { quotaPerDay: lots } }', 'users.a.quotaPerDay must be octets'],
    ['users: [a]', 'users must be a group'],
    ['[]', ' must be a group'],
  ])('%s: %s', (text, mistake) => {
    expect(read(text).mistakes.join('\n')).toContain(mistake);
  });
});

/** A Sunday at noon. */
const AT = Date.parse('2026-11-22T12:00:00Z');

const bench = async (text: string, folder?: string) => {
  const path = join(mkdtempSync(join(tmpdir(), 'policy-profile-')), 'profiles.yaml');
  writeFileSync(path, text);
  const file = new WatchedFile({ name: 'p', path, read: readProfiles, log: new MemoryLog(), clock: new FakeClock() });
  const world = new PolicyWorld();
  const ledger = folder === undefined ? undefined : new UsageLedger(folder, 0, 'UTC');
  const wallClock = { now: () => AT };
  const policy = new ProfilePolicy({ file, sessions: world, wallClock, log: new MemoryLog(), ledger });
  await policy.start();
  return { policy, addresses: new ProfileAddresses(file), world, ledger };
};

const benchWithLedger = async (text: string, folder: string) => {
  const { ledger, ...rest } = await bench(text, folder);
  if (ledger === undefined) throw new Error('no ledger');
  return { ...rest, ledger };
};

describe('the profile of a user', () => {
  it('is its entry before what the back-end says, and that before what everyone has', async () => {
    const { policy, world } = await bench(
      'everyone: { idle: 10, session: 10, mtu: 1400 }\nusers: { Alice: { session: 30 } }\n',
    );
    const profile = { idleSeconds: 20, sessionSeconds: 20 };
    const admit = (identity: string) => policy.admit(request(world.proven('s', identity, 0), 0, profile));
    expect(await admit('bob')).toEqual({ admit: true, profile: { mtu: 1400, idleSeconds: 20, sessionSeconds: 20 } });
    expect(await admit('ALICE')).toEqual({ admit: true, profile: { mtu: 1400, idleSeconds: 20, sessionSeconds: 30 } });
  });

  it('keeps its fixed address out of the pool', async () => {
    const { addresses } = await bench('users: { alice: { address: 10.99.0.10 }, bob: {} }\n');
    expect([...addresses.reservedAddresses()]).toEqual([address('10.99.0.10')]);
    expect(addresses.reservedAddresses()).toBe(addresses.reservedAddresses());
    expect(addresses.supports()).toBe(false);
    expect(await addresses.verify()).toEqual({ ok: false, denial: 'unknown-user' });
  });
});

describe('quotas of a day and a month', () => {
  const folderOf = (): string => mkdtempSync(join(tmpdir(), 'policy-usage-'));
  const profiles = 'everyone: { quota: 800, quotaPerDay: 1000, quotaPerMonth: 1500 }\n';

  it('leave a session what is left of them, and refuse one when nothing is', async () => {
    const { policy, world, ledger } = await benchWithLedger(profiles, folderOf());
    const admit = () => policy.admit(request(world.proven('new', 'alice', 0), AT));
    expect(await admit()).toEqual({ admit: true, profile: { quotaOctets: 800 } });
    await ledger.add('Alice', 700, AT);
    expect(await admit()).toEqual({ admit: true, profile: { quotaOctets: 300 } });
    await ledger.add('alice', 300, AT);
    expect(await admit()).toMatchObject({ admit: false, denial: 'quota-used-up' });
    expect(await policy.admit(request(world.proven('b', 'bob', 0), AT))).toMatchObject({ admit: true });
    const tomorrow = AT + 24 * 3_600_000;
    expect(await policy.admit(request(world.proven('c', 'alice', 0), tomorrow))).toEqual({
      admit: true,
      profile: { quotaOctets: 500 },
    });
  });

  it('take what a session moved when it ends', async () => {
    const { policy, world, ledger } = await benchWithLedger(profiles, folderOf());
    const facts = world.proven('s', 'alice', 0);
    const usage = { octetsIn: 100, octetsOut: 200, packetsIn: 1, packetsOut: 2 };
    policy.down(facts, { reason: 'idle', detail: '' }, usage);
    await ledger.add('alice', 0, AT);
    expect(await ledger.used('ALICE', AT)).toEqual({ day: 300, month: 300 });
  });

  it('survive a restart, add up over workers, and begin anew with the day and the month', async () => {
    const folder = folderOf();
    const [first, second] = [new UsageLedger(folder, 0, 'UTC'), new UsageLedger(folder, 1, 'UTC')];
    await Promise.all([first.load(), second.load()]);
    await Promise.all([first.add('alice', 1, AT), first.add('alice', 2, AT), second.add('alice', 4, AT)]);
    const again = new UsageLedger(folder, 0, 'UTC');
    await again.load();
    expect(await again.used('alice', AT)).toEqual({ day: 7, month: 7 });
    expect(await second.used('alice', AT)).toEqual({ day: 7, month: 7 });
    expect(await again.used('alice', AT + 13 * 3_600_000)).toEqual({ day: 0, month: 7 });
    expect(await again.used('alice', AT + 10 * 86_400_000)).toEqual({ day: 0, month: 0 });
  });

  it('take a file that is none for an empty one, and refuse a folder that cannot be used', async () => {
    const folder = folderOf();
    writeFileSync(join(folder, 'usage-0.json'), 'nonsense');
    writeFileSync(join(folder, 'usage-1.json'), '{"users":{"alice":7,"bob":{"day":"x"}}}');
    const ledger = new UsageLedger(folder, 0, 'UTC');
    await ledger.load();
    expect(await ledger.used('alice', AT)).toEqual({ day: 0, month: 0 });
    await expect(new UsageLedger('/dev/null/x', 0, 'UTC').load()).rejects.toMatchObject({ code: 'STATE_DIR' });
  });

  it('lose nothing when somebody asks about the day before, or the month', async () => {
    const ledger = new UsageLedger(folderOf(), 0, 'UTC');
    await ledger.load();
    const midnight = Date.parse('2026-12-01T00:00:00Z');
    await ledger.add('alice', 5, midnight);
    // Asked before midnight, and the question took its time.
    expect(await ledger.used('alice', midnight - 1)).toEqual({ day: 0, month: 0 });
    expect(await ledger.used('alice', midnight + 1)).toEqual({ day: 5, month: 5 });
  });

  it('are on disk when the plug-in has stopped', async () => {
    const folder = folderOf();
    const { policy, world } = await benchWithLedger(profiles, folder);
    const usage = { octetsIn: 100, octetsOut: 200, packetsIn: 1, packetsOut: 2 };
    policy.down(world.proven('s', 'alice', 0), { reason: 'shutdown', detail: '' }, usage);
    await policy.stop();
    expect(readFileSync(join(folder, 'usage-0.json'), 'utf8')).toContain('"alice":{"day":300,"month":300}');
  });

  it('begin in the time zone that is set', async () => {
    const ledger = new UsageLedger(folderOf(), 0, 'Asia/Tokyo');
    await ledger.load();
    await ledger.add('alice', 5, Date.parse('2026-11-22T14:59:00Z'));
    expect(await ledger.used('alice', Date.parse('2026-11-22T15:01:00Z'))).toEqual({ day: 0, month: 5 });
  });

  it('need a folder', () => {
    const mistakes: string[] = [];
    readProfiles(parse(profiles), (mistake) => mistakes.push(mistake), false);
    expect(mistakes.join()).toContain('PPTP_POLICY_PROFILE_USAGE_FOLDER');
  });
});
