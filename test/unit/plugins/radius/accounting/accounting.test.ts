import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CLEAR_REASONS } from '../../../../../core/ports/control.ts';
import { terminateCauseOf } from '../../../../../plugins/radius/accounting/terminate-cause.ts';
import { ATTRIBUTE, firstOf, octetsOf } from '../../../../../plugins/radius/wire/index.ts';
import { AccountingRig, facts, fleets, temporaryFolder } from '../../../../support/accounting-rig.ts';

const started = async (options: ConstructorParameters<typeof AccountingRig>[0] = {}): Promise<AccountingRig> => {
  const rig = new AccountingRig(options);
  await rig.start();
  return rig;
};

describe('records', () => {
  test('say who it is, how it was let in, and echo every Class', async () => {
    const rig = await started();
    rig.started('s1', { facts: facts('s1', { profile: { classes: [Uint8Array.of(1), Uint8Array.of(2, 3)] } }) });
    await rig.clock.advance(0);
    const [start = []] = rig.servers.got;
    expect(octetsOf(start, ATTRIBUTE.class)).toEqual([Uint8Array.of(1), Uint8Array.of(2, 3)]);
    const said = {
      status: firstOf(start, ATTRIBUTE.acctStatusType),
      user: firstOf(start, ATTRIBUTE.userName),
      session: firstOf(start, ATTRIBUTE.acctSessionId),
      related: firstOf(start, ATTRIBUTE.acctMultiSessionId),
      authentic: firstOf(start, ATTRIBUTE.acctAuthentic),
      address: firstOf(start, ATTRIBUTE.framedIpAddress),
      at: firstOf(start, ATTRIBUTE.eventTimestamp),
      delay: firstOf(start, ATTRIBUTE.acctDelayTime),
      how: firstOf(start, ATTRIBUTE.msAcctAuthType),
      gateway: firstOf(start, ATTRIBUTE.nasIdentifier),
      octets: firstOf(start, ATTRIBUTE.acctInputOctets),
      cause: firstOf(start, ATTRIBUTE.acctTerminateCause),
    };
    expect(said).toEqual({
      status: 1,
      user: 'alice',
      session: 's1',
      related: '0123456789abcdef0123456789abcdef',
      authentic: 1,
      address: 0x0a4e0002,
      at: 1_700_000_000,
      delay: 0,
      how: 4,
      gateway: 'gw1',
      octets: undefined,
      cause: undefined,
    });
    await rig.stop();
  });

  test('have gigawords beyond 32 bits, input being what came from the peer', async () => {
    const rig = await started();
    const usage = { octetsIn: 5 * 2 ** 32 + 7, octetsOut: 2 ** 32 - 1, packetsIn: 11, packetsOut: 12 };
    rig.stopped('s1', 'idle', { seconds: 86_400, usage });
    await rig.clock.advance(0);
    const [stop = []] = rig.servers.got;
    const numbers = [
      ATTRIBUTE.acctInputOctets,
      ATTRIBUTE.acctInputGigawords,
      ATTRIBUTE.acctOutputOctets,
      ATTRIBUTE.acctOutputGigawords,
      ATTRIBUTE.acctInputPackets,
      ATTRIBUTE.acctOutputPackets,
      ATTRIBUTE.acctSessionTime,
      ATTRIBUTE.acctTerminateCause,
    ].map((type) => firstOf(stop, type));
    expect(numbers).toEqual([7, 5, 0xffffffff, 0, 11, 12, 86_400, 4]);
    await rig.stop();
  });

  test('give every reason that a session ends for a cause of RFC 2866', () => {
    const causes = CLEAR_REASONS.map((reason) => [reason, terminateCauseOf[reason]]);
    expect(Object.fromEntries(causes)).toEqual({
      'peer-request': 1,
      'peer-disconnect': 1,
      'control-lost': 2,
      'authentication-failed': 17,
      'negotiation-failed': 17,
      'encryption-required': 17,
      'peer-terminated': 1,
      'link-dead': 2,
      'no-gre': 2,
      'no-address': 15,
      idle: 4,
      'session-timeout': 5,
      quota: 5,
      administrative: 6,
      shutdown: 7,
    });
  });
});

describe('delivery', () => {
  test('keeps the order of each session, and says how late a record is', async () => {
    const rig = await started();
    rig.servers.answers = () => false;
    rig.started('s1');
    await rig.clock.advance(10_000);
    rig.interim('s1');
    rig.stopped('s1');
    rig.started('s2');
    rig.servers.answers = () => true;
    await rig.clock.advance(60_000);
    expect(rig.servers.names.filter((name) => name.endsWith('s1'))).toEqual(['start s1', 'interim s1', 'stop s1']);
    expect(rig.servers.names).toContain('start s2');
    const delays = rig.servers.got.map((one) => firstOf(one, ATTRIBUTE.acctDelayTime) ?? 0);
    expect(delays[0]).toBeGreaterThanOrEqual(10);
    expect(firstOf(rig.servers.got[0] ?? [], ATTRIBUTE.eventTimestamp)).toBe(1_700_000_000);
    expect(rig.accounting.waiting).toBe(0);
    await rig.stop();
  });

  test('asks a silent server with one record at a time, less and less often', async () => {
    const rig = await started();
    rig.servers.answers = () => false;
    for (let i = 0; i < 100; i += 1) rig.started(`s${i}`);
    await rig.clock.advance(0);
    const first = rig.servers.asked.length;
    await rig.clock.advance(600_000);
    expect(first).toBeLessThanOrEqual(32);
    expect(rig.servers.asked.length - first).toBeLessThanOrEqual(25);
    expect(rig.log.events('warn').filter((event) => event === 'radius.accounting-waits').length).toBeLessThan(30);
    rig.servers.answers = () => true;
    await rig.clock.advance(30_000);
    expect(rig.servers.got).toHaveLength(100);
    await rig.stop();
  });

  test('a record that a server never answers costs the others nothing but time', async () => {
    const rig = await started();
    rig.servers.answers = (name) => name !== 'start bad';
    rig.started('bad');
    for (let i = 0; i < 50; i += 1) rig.started(`s${i}`);
    await rig.clock.advance(300_000);
    expect(rig.servers.got).toHaveLength(50);
    expect(rig.accounting.waiting).toBe(1);
    await rig.stop();
  });
});

describe('Accounting-On and -Off', () => {
  test('are first and last; sessions wait for the first', async () => {
    const rig = await started({ onOff: true });
    rig.started('s1');
    rig.stopped('s1');
    await rig.clock.advance(0);
    await rig.stop();
    expect(rig.servers.names).toEqual(['on', 'start s1', 'stop s1', 'off']);
    expect(firstOf(rig.servers.got[3] ?? [], ATTRIBUTE.acctTerminateCause)).toBe(7);
  });

  test('a server that was away gets Accounting-On first all the same', async () => {
    const rig = await started({ onOff: true });
    rig.servers.answers = () => false;
    rig.started('s1');
    await rig.clock.advance(100_000);
    rig.servers.answers = () => true;
    await rig.clock.advance(60_000);
    const at = rig.servers.names.indexOf('on');
    expect(rig.servers.names.slice(at)).toEqual(['on', 'start s1']);
    await rig.stop();
  });

  test('a server that does not know Accounting-On gets everything else', async () => {
    const rig = await started({ onOff: true });
    rig.servers.answers = (name) => name !== 'on';
    rig.started('s1');
    rig.started('s2');
    await rig.clock.advance(300_000);
    expect(new Set(rig.servers.names)).toEqual(new Set(['start s1', 'start s2']));
    expect(rig.log.events('warn')).toContain('radius.accounting-on-unanswered');
    expect(rig.accounting.waiting).toBe(0);
    await rig.stop();
  });

  test('are sent by the first worker alone; the others wait for its word', async () => {
    const folder = temporaryFolder();
    const [first, second] = fleets(2);
    const a = new AccountingRig({ onOff: true, folder, fleet: first });
    const b = new AccountingRig({ onOff: true, folder, fleet: second, clock: a.clock });
    a.servers.answers = () => false;
    await b.start();
    await a.start();
    b.started('s2');
    await a.clock.advance(20_000);
    expect(b.servers.asked).toEqual([]);
    a.servers.answers = () => true;
    await a.clock.advance(60_000);
    expect(a.servers.names).toEqual(['on']);
    expect(b.servers.names).toEqual(['start s2']);
    await Promise.all([a.stop(), b.stop()]);
    expect([a.servers.names.at(-1), b.servers.names.at(-1)]).toEqual(['off', 'start s2']);
  });

  test('are not sent when one worker was started again', async () => {
    const rig = await started({ onOff: true, fleet: fleets(2, [0])[0] });
    rig.started('s1');
    await rig.clock.advance(0);
    expect(rig.servers.names).toEqual(['start s1']);
    await rig.stop();
  });
});

describe('after a crash', () => {
  /** A gateway that dies with an open session, whose numbers were told once; its folder. */
  const crashed = async (fleet = fleets(1)[0]): Promise<string> => {
    const rig = await started({ fleet });
    rig.started('open');
    rig.started('ended');
    await rig.clock.advance(60_000);
    rig.servers.answers = () => false;
    const usage = { octetsIn: 1000, octetsOut: 2000, packetsIn: 10, packetsOut: 20 };
    rig.interim('open', { seconds: 60, usage });
    rig.stopped('ended', 'idle', { seconds: 59 });
    // The same as a crash, but for the last write, which has ended: the session is still open.
    await rig.stop();
    return rig.folder;
  };

  test('what waited is delivered, and a Stop with the last numbers for what was open', async () => {
    const folder = await crashed();
    const rig = await started({ folder });
    await rig.clock.advance(0);
    await rig.stop();
    expect(rig.servers.names.toSorted()).toEqual(['interim open', 'stop ended', 'stop open']);
    const stop = rig.servers.got.find((one) => firstOf(one, ATTRIBUTE.acctTerminateCause) === 11) ?? [];
    const numbers = [
      ATTRIBUTE.acctSessionId,
      ATTRIBUTE.acctStatusType,
      ATTRIBUTE.acctInputOctets,
      ATTRIBUTE.acctOutputOctets,
      ATTRIBUTE.acctSessionTime,
      ATTRIBUTE.eventTimestamp,
      ATTRIBUTE.userName,
    ].map((type) => firstOf<unknown>(stop, type));
    expect(numbers).toEqual(['open', 2, 1000, 2000, 60, 1_700_000_060, 'alice']);
  });

  test('a clock that was set back meanwhile does not bring old numbers back', async () => {
    const rig = await started();
    rig.servers.answers = () => false;
    rig.started('open', { at: 1_700_000_500_000 });
    for (const octetsIn of [1000, 2000]) {
      const usage = { octetsIn, octetsOut: 0, packetsIn: 1, packetsOut: 0 };
      rig.interim('open', { at: 1_700_000_000_000 + octetsIn, usage });
    }
    await rig.stop();
    const next = await started({ folder: rig.folder });
    await next.clock.advance(0);
    await next.stop();
    const stop = next.servers.got.find((one) => firstOf(one, ATTRIBUTE.acctTerminateCause) === 11) ?? [];
    expect(firstOf(stop, ATTRIBUTE.acctInputOctets)).toBe(2000);
  });

  test('in a worker that was started again the cause is NAS-Error, and other workers keep theirs', async () => {
    const folder = await crashed(fleets(2)[1]);
    const other = await started({ folder, fleet: fleets(2, [0])[0] });
    await other.clock.advance(0);
    expect(other.servers.names).toEqual([]);
    const rig = await started({ folder, fleet: fleets(2, [1])[1] });
    await rig.clock.advance(0);
    const stop =
      rig.servers.got.find((one) => firstOf(one, ATTRIBUTE.acctSessionId) === 'open' && one.length > 0) ?? [];
    expect(rig.servers.names).toContain('stop open');
    expect(rig.servers.got.map((one) => firstOf(one, ATTRIBUTE.acctTerminateCause))).toContain(9);
    expect(firstOf(stop, ATTRIBUTE.userName)).toBe('alice');
    await Promise.all([rig.stop(), other.stop()]);
  });

  test('the first worker takes over from workers that there are no more', async () => {
    const folder = await crashed(fleets(3)[2]);
    const rig = await started({ folder, fleet: fleets(2)[0] });
    await rig.clock.advance(0);
    expect(rig.servers.names).toContain('stop open');
    await rig.stop();
    expect(readdirSync(folder)).toEqual(['accounting-0.spool']);
  });

  test('cut anywhere, the file gives no less than its whole lines, and the start goes on', async () => {
    const folder = await crashed();
    const path = join(folder, 'accounting-0.spool');
    const whole = readFileSync(path);
    for (let length = 0; length < whole.length; length += 97) {
      writeFileSync(path, whole.subarray(0, length));
      const rig = await started({ folder });
      await rig.clock.advance(0);
      expect(new Set(rig.servers.names).size).toBe(rig.servers.names.length);
      expect(rig.accounting.waiting).toBe(0);
      await rig.stop();
    }
  });
});

test('a spool of any size can be read, and whatever it holds besides', async () => {
  const rig = await started();
  rig.servers.answers = () => false;
  rig.started('s1');
  await rig.stop();
  // More than a string can hold; a hole, which takes no room.
  truncateSync(join(rig.folder, 'accounting-0.spool'), 2 ** 29 + 2 ** 20);
  const next = await started({ folder: rig.folder });
  await next.clock.advance(0);
  expect(next.servers.names).toEqual(['start s1', 'stop s1']);
  expect(next.log.events('warn')).toEqual(['radius.spool-damaged']);
  await next.stop();
}, 60_000);

describe('a full spool', () => {
  test('loses interims first, counts and logs what is lost, and keeps every Stop', async () => {
    const rig = await started({ limit: 40_000 });
    rig.servers.answers = () => false;
    for (let i = 0; i < 40; i += 1) {
      rig.started(`s${i}`);
      for (let j = 0; j < 3; j += 1) rig.interim(`s${i}`);
    }
    for (let i = 0; i < 40; i += 1) rig.stopped(`s${i}`);
    await rig.clock.advance(0);
    const lost = rig.telemetry.events.filter(({ name }) => name === 'radius.accounting-lost');
    expect(lost.length).toBeGreaterThan(0);
    expect(new Set(lost.map(({ attributes }) => attributes['kind']))).not.toContain('stop');
    expect(rig.log.events('warn')).toContain('radius.accounting-lost');
    rig.servers.answers = () => true;
    await rig.clock.advance(60_000);
    expect(rig.servers.names.filter((name) => name.startsWith('stop'))).toHaveLength(40);
    await rig.stop();
  });
});

describe('while no server answers', () => {
  /** The lanes of the delivery: records, and sessions. */
  const kept = (rig: AccountingRig): { readonly records: number; readonly sessions: number } => {
    const delivery: object = Reflect.get(rig.accounting, 'delivery');
    const lanes: ReadonlyMap<string, readonly unknown[]> = Reflect.get(delivery, 'lanes');
    const waits = ['ready', 'held'].map((name) => new Set<string>(Reflect.get(delivery, name)).size);
    return {
      records: [...lanes.values()].reduce((sum, lane) => sum + lane.length, 0),
      sessions: Math.max(lanes.size, ...waits),
    };
  };

  test.each([false, true])('records that were given up take no memory (Accounting-On: %s)', async (onOff) => {
    const rig = await started({ limit: 20_000, onOff });
    rig.servers.answers = () => false;
    rig.started('long');
    await rig.clock.advance(0);
    for (let i = 0; i < 2_000; i += 1) rig.interim('long');
    for (let i = 0; i < 500; i += 1) {
      rig.started(`short${i}`);
      rig.stopped(`short${i}`);
    }
    await rig.clock.advance(100_000);
    expect(kept(rig).records).toBeLessThanOrEqual(rig.accounting.waiting);
    expect(kept(rig).sessions).toBeLessThanOrEqual(rig.accounting.waiting);
    rig.servers.answers = () => true;
    await rig.clock.advance(100_000);
    expect(rig.accounting.waiting).toBe(0);
    expect(kept(rig)).toEqual({ records: 0, sessions: 0 });
    expect(new Set(rig.servers.names).size).toBe(rig.servers.names.length);
    await rig.stop();
  });
});

test('a folder that cannot be made is a mistake that is named', async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  const rig = new AccountingRig({ folder: join(file, 'below') });
  await expect(rig.start()).rejects.toMatchObject({ code: 'STATE_DIR' });
});

describe('a spool that another gateway uses', () => {
  test('is not taken from it', async () => {
    const rig = await started();
    rig.servers.answers = () => false;
    rig.started('s1');
    await rig.clock.advance(0);
    const other = new AccountingRig({ folder: rig.folder });
    await expect(other.start()).rejects.toMatchObject({ code: 'STATE_DIR' });
    await other.stop();
    expect(other.servers.asked).toEqual([]);
    rig.servers.answers = () => true;
    rig.stopped('s1');
    await rig.clock.advance(60_000);
    expect(rig.servers.names).toEqual(['start s1', 'stop s1']);
    await rig.stop();
    const next = await started({ folder: rig.folder });
    await next.clock.advance(0);
    expect(next.servers.names).toEqual([]);
    await next.stop();
  });

  test('is left alone when it is of a worker that there should be no more', async () => {
    const [, second] = fleets(2);
    const worker = await started({ fleet: second });
    worker.servers.answers = () => false;
    worker.started('s1');
    await worker.clock.advance(0);
    const rig = await started({ folder: worker.folder });
    await rig.clock.advance(0);
    expect(rig.servers.names).toEqual([]);
    await worker.stop();
    await rig.stop();
    const next = await started({ folder: worker.folder });
    await next.clock.advance(0);
    expect(next.servers.names).toEqual(['start s1', 'stop s1']);
    await next.stop();
  });

  test('and died may be taken over: its socket is there, but nobody listens', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'accounting-0.spool.lock');
    const script = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    expect(spawnSync(process.execPath, ['-e', script, path]).signal).toBe('SIGKILL');
    expect(readdirSync(folder)).toEqual(['accounting-0.spool.lock']);
    const rig = await started({ folder });
    expect(readdirSync(folder).toSorted()).toEqual(['accounting-0.spool', 'accounting-0.spool.lock']);
    await rig.stop();
    expect(readdirSync(folder)).toEqual(['accounting-0.spool']);
  });
});

test('stops at once where it never started', async () => {
  const rig = new AccountingRig({ onOff: true });
  await rig.accounting.lifecycle.stop();
  expect(rig.servers.asked).toEqual([]);
});

test('takes what waits with it when it stops while no server answers', async () => {
  const rig = await started({ onOff: true });
  rig.servers.answers = () => false;
  rig.started('s1');
  rig.stopped('s1');
  await rig.stop();
  const next = await started({ onOff: true, folder: rig.folder });
  await next.clock.advance(60_000);
  expect(next.servers.names.toSorted()).toEqual(['on', 'start s1', 'stop s1']);
  await next.stop();
});
