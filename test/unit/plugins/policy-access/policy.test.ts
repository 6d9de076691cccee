import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { callId } from '../../../../core/ports/ids.ts';
import { AccessPolicy, parseWindow, readRules, Timetable } from '../../../../plugins/policy-access/index.ts';
import { WatchedFile } from '../../../../plugins/policy-kit/watched-file.ts';
import { address, LOCAL } from '../../../support/batches.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { MemoryLog } from '../../../support/memory-log.ts';
import { PolicyWorld, request } from '../../../support/policy-world.ts';

const folder = mkdtempSync(join(tmpdir(), 'policy-access-'));
afterEach(() => rmSync(join(folder, 'rules.yaml'), { force: true }));

const at = (text: string): number => Date.parse(text);
const call = (peer: string) => ({ local: LOCAL, peer: address(peer), localCallId: callId(1), peerCallId: callId(2) });

const bench = async (text: string) => {
  const path = join(folder, 'rules.yaml');
  writeFileSync(path, text);
  const [log, clock, world] = [new MemoryLog(), new FakeClock(), new PolicyWorld()];
  const file = new WatchedFile({ name: 'policy-access', path, read: readRules, log, clock });
  const policy = new AccessPolicy(file, world);
  await policy.start();
  return {
    log,
    clock,
    world,
    policy,
    rewrite: (next: string) => {
      writeFileSync(path, next);
      utimesSync(path, new Date(), new Date(clock.now() * 1000));
    },
    admit: (identity: string, when: string, more: { peer?: string; method?: string; sessionSeconds?: number } = {}) => {
      const { peer = '192.0.2.5', method = 'ms-chap-v2', sessionSeconds } = more;
      const facts = world.proven(`s-${identity}-${when}`, identity, at(when), { call: call(peer), method });
      return policy.admit(request(facts, at(when), sessionSeconds === undefined ? {} : { sessionSeconds }));
    },
  };
};

const RULES = `
timeZone: Europe/Berlin
everyone:
  sources: [192.0.2.0/24]
users:
  Alice:
    sources: [192.0.2.5, 203.0.113.0/24]
    methods: [eap]
  night:
    sources: [0.0.0.0/0]
    times: ["Mon-Fri 22:00-06:00"]
`;

describe('who may come in', () => {
  it('from where, and by which method: the entry of the user, else what holds for everyone', async () => {
    const { admit } = await bench(RULES);
    const noon = '2026-06-01T10:00:00Z';
    expect(await admit('bob', noon)).toEqual({ admit: true });
    expect(await admit('bob', noon, { peer: '203.0.113.1' })).toMatchObject({ denial: 'source-not-allowed' });
    expect(await admit('ALICE', noon, { peer: '203.0.113.1', method: 'eap' })).toEqual({ admit: true });
    expect(await admit('CORP\\alice', noon, { method: 'ms-chap-v2' })).toMatchObject({ denial: 'method-not-allowed' });
  });

  it('at which time, over midnight, and no longer than that', async () => {
    const { admit, world } = await bench(RULES);
    // 2026-06-05 is a Friday; Berlin is two hours ahead.
    expect(await admit('night', '2026-06-05T19:59:00Z')).toMatchObject({ denial: 'time-not-allowed' });
    expect(await admit('night', '2026-06-05T20:00:00Z')).toEqual({
      admit: true,
      profile: { sessionSeconds: 8 * 3600 },
    });
    expect(await admit('night', '2026-06-06T03:59:30Z')).toEqual({ admit: true, profile: { sessionSeconds: 30 } });
    expect(await admit('night', '2026-06-06T20:00:00Z')).toMatchObject({ denial: 'time-not-allowed' });
    expect(await admit('night', '2026-06-05T20:00:01Z', { sessionSeconds: 60 })).toMatchObject({
      profile: { sessionSeconds: 60 },
    });
    // Who proves itself again has been up for an hour, and that counts.
    const facts = world.proven('again', 'night', 0, { upAt: at('2026-06-05T20:00:00Z') });
    const { policy } = await bench(RULES);
    expect(await policy.admit(request(facts, at('2026-06-05T21:00:00Z')))).toMatchObject({ admit: true });
  });

  it('reads rules that have changed, and keeps the old ones when there is a mistake', async () => {
    const { admit, rewrite, log, clock } = await bench(RULES);
    const noon = '2026-06-01T10:00:00Z';
    await clock.advance(2_000);
    rewrite('everyone: { sources: [10.0.0.0/8, nonsense] }');
    expect(await admit('bob', noon)).toEqual({ admit: true });
    await clock.advance(2_000);
    expect(await admit('bob', noon)).toEqual({ admit: true });
    expect(log.lines.filter(({ event }) => event === 'policy.file-refused')).toHaveLength(1);
    await clock.advance(2_000);
    rewrite('everyone: { sources: [10.0.0.0/8] }');
    expect(await admit('bob', noon)).toMatchObject({ denial: 'source-not-allowed' });
    expect(log.lines.map(({ event }) => event)).toContain('policy.file-read');
  });

  it('does not start with a mistake, and names all of them', async () => {
    const wrong = 'timeZone: Mars\neveryone: { times: [always], source: 1 }\nusers: { a: {}, A: {} }\n';
    await expect(bench(wrong)).rejects.toMatchObject({ code: 'CONFIG_FILE' });
    await expect(bench(wrong)).rejects.toThrow(
      /timeZone must be.*everyone.source: there is no.*everyone.times must.*users.A is there twice/s,
    );
    await expect(bench(': [')).rejects.toMatchObject({ code: 'CONFIG_FILE' });
    // Everything under the key was made a comment: that is not "from anywhere".
    await expect(bench('everyone:\n  sources:\n')).rejects.toThrow(/everyone.sources must be/);
  });
});

describe('a window of time', () => {
  it.each([
    'Mon',
    'Mon 7:00-8:00',
    'Mon 08:00-08:00',
    'Mon 08:60-09:00',
    'Mon 24:00-25:00',
    'Xyz 08:00-09:00',
    'Mon-Tue-Wed 08:00-09:00',
    '',
  ])('is not %j', (text) => expect(parseWindow(text)).toBeUndefined());

  const table = (zone: string, ...texts: string[]) =>
    new Timetable(
      texts.map((text) => parseWindow(text)).filter((one) => one !== undefined),
      zone,
    );

  it('goes round the week', () => {
    const weekend = table('UTC', 'Fri-Mon 00:00-24:00');
    expect(weekend.isOpen(at('2026-06-04T23:59:00Z'))).toBe(false);
    expect(weekend.closesAt(at('2026-06-05T00:00:00Z'))).toBe(at('2026-06-09T00:00:00Z'));
  });

  it('that never closes has no end', () => {
    expect(table('UTC', 'daily 00:00-24:00').closesAt(at('2026-06-05T00:00:00Z'))).toBeUndefined();
  });

  it('closes by the clock on the wall, also in nights in which it is changed', () => {
    // Berlin: 2026-03-29 02:00 becomes 03:00, 2026-10-25 03:00 becomes 02:00.
    const night = table('Europe/Berlin', 'daily 22:00-06:00');
    expect(night.closesAt(at('2026-03-28T21:00:00Z'))).toBe(at('2026-03-29T04:00:00Z'));
    expect(night.closesAt(at('2026-10-24T20:00:00Z'))).toBe(at('2026-10-25T05:00:00Z'));
    const two = table('Europe/Berlin', 'daily 01:00-02:30');
    expect(two.closesAt(at('2026-03-29T00:30:00Z'))).toBe(at('2026-03-29T01:00:00Z'));
    // Closed for half an hour only, which the hour that is left out must not hide.
    const most = table('Europe/Berlin', 'daily 21:00-05:00', 'daily 04:30-20:30');
    expect(most.closesAt(at('2026-03-28T22:00:00Z'))).toBe(at('2026-03-29T18:30:00Z'));
    // 02:30 is there twice, and between the two it is 02:00 again.
    const late = table('Europe/Berlin', 'daily 02:30-18:30');
    expect(late.closesAt(at('2026-10-25T00:45:00Z'))).toBe(at('2026-10-25T01:00:00Z'));
  });
});
