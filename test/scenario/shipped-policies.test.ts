import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { GatewayPlugin } from '../../core/ports/plugin.ts';
import { withOptions } from '../../gateway/plugin-loader.ts';
import { policyAccessPlugin } from '../../plugins/policy-access/index.ts';
import { policyLockoutPlugin } from '../../plugins/policy-lockout/index.ts';
import { policyProfilePlugin } from '../../plugins/policy-profile/index.ts';
import { policySessionsPlugin } from '../../plugins/policy-sessions/index.ts';
import { SessionNotes, sessionParts } from '../../testing/lab/session-parts.ts';
import { arrived } from '../support/arrived.ts';
import { address } from '../support/batches.ts';
import { eventually } from '../support/eventually.ts';
import { GatewayLab } from '../support/gateway-lab.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';

const HOST = address('10.0.0.80');
const folder = mkdtempSync(join(tmpdir(), 'policies-'));
let files = 0;
const file = (text: string): string => {
  files += 1;
  const path = join(folder, `${files}.yaml`);
  writeFileSync(path, text);
  return path;
};

const defaults = <Options>({ settings }: GatewayPlugin<Options>): Options =>
  Object.fromEntries(
    Object.entries(settings ?? {}).map(([name, one]) => [name, (one as { default?: unknown }).default]),
  ) as Options;

const profiles = (text: string) =>
  withOptions(policyProfilePlugin, { ...defaults(policyProfilePlugin), file: file(text) });
const TRAFFIC = ['traffic-in', 'traffic-out', 'traffic-count'];

const line = (lab: GatewayLab, event: string) => lab.log.lines.findLast((one) => one.event === event)?.fields;

describe('the traffic stages', () => {
  it('are not there when nobody needs them, and are when a policy, a sink or a need is bound', () => {
    const names = (lab: GatewayLab) =>
      lab.gateway.stages.map(({ name }) => name).filter((name) => TRAFFIC.includes(name));
    expect(names(new GatewayLab())).toEqual([]);
    expect(names(new GatewayLab({ plugins: [sessionParts({ listeners: [new SessionNotes()] })] }))).toEqual([]);
    for (const parts of [{ traffic: true }, { sinks: [new SessionNotes()] }, { policies: [{ name: 'any' }] }]) {
      expect(names(new GatewayLab({ plugins: [sessionParts(parts)] })).toSorted()).toEqual(TRAFFIC.toSorted());
    }
  });

  it('count what a client moves: what accounting says is what both ends saw, cut packets and dropped ones included', async () => {
    const notes = new SessionNotes();
    const lab = await GatewayLab.start({ plugins: [sessionParts({ sinks: [notes] })] });
    const client = await lab.connect({ link: { mru: 1000 } });
    const up = ipv4Packet({ source: client.address, destination: HOST, payload: new Uint8Array(500) });
    const down = (size: number): Uint8Array =>
      ipv4Packet({ source: HOST, destination: client.address, payload: new Uint8Array(size - 20) });
    const tooLarge = down(1300);
    tooLarge[6] = 0x40;
    for (let i = 0; i < 10; i += 1) client.tun.hostSends(up);
    for (const packet of [down(400), down(1300), tooLarge]) lab.tun.hostSends(packet);
    await lab.clock.advance(1_000);
    const got = arrived(client.tun);
    const octets = got.reduce((sum, { length }) => sum + length, 0);
    // One whole, one in two pieces.
    expect(got).toHaveLength(3);
    expect(arrived(lab.tun)).toHaveLength(11);
    void client.peer.stop();
    await lab.clock.advance(10_000);
    expect(notes.told.at(-1)).toMatchObject({
      kind: 'stop',
      record: { usage: { packetsIn: 10, octetsIn: 10 * up.length, packetsOut: 3, octetsOut: octets } },
    });
  });
});

describe('policy-profile', () => {
  it('gives a user its address, and limits its rate', async () => {
    const plugins = [profiles('users: { Alice: { address: 10.99.0.77, rate: { down: { rate: 1M, burst: 5k } } } }')];
    const lab = await GatewayLab.start({ plugins });
    const client = await lab.connect();
    expect(client.address).toBe(address('10.99.0.77'));
    const packet = ipv4Packet({ source: HOST, destination: client.address, payload: new Uint8Array(980) });
    for (let i = 0; i < 100; i += 1) lab.tun.hostSends(packet);
    await lab.clock.advance(80);
    // A burst of 5, and one in each 8 ms; 24 wait at the most.
    expect(arrived(client.tun).length).toBeGreaterThanOrEqual(14);
    await lab.clock.advance(1_000);
    expect(lab.telemetry.dropsFor('rate-limited')).toBeGreaterThan(60);
    expect(lab.telemetry.dropsFor('stage-fault')).toBe(0);
  });

  it('filters by a list of PPTP_FILTERS_FILE', async () => {
    const filters = file(`
office:
  default: deny
  rules:
    - { action: allow, direction: in, destination: 10.0.0.80 }
`);
    const lab = await GatewayLab.start({
      env: { PPTP_FILTERS_FILE: filters },
      plugins: [profiles('everyone: { filter: office }')],
    });
    const client = await lab.connect();
    const to = (destination: string): Uint8Array =>
      ipv4Packet({ source: client.address, destination: address(destination), payload: new Uint8Array(8) });
    client.tun.hostSends(to('10.0.0.80'));
    client.tun.hostSends(to('10.0.0.81'));
    lab.tun.hostSends(ipv4Packet({ source: HOST, destination: client.address, payload: new Uint8Array(8) }));
    await lab.clock.advance(500);
    expect(arrived(lab.tun)).toHaveLength(1);
    expect(arrived(client.tun)).toHaveLength(0);
    expect([...lab.telemetry.drops].toSorted()).toEqual([
      ['traffic-in in policy', 1],
      ['traffic-out out policy', 1],
    ]);
  });

  it('ends the session when its quota is used up, and lets nothing more pass', async () => {
    const lab = await GatewayLab.start({ plugins: [profiles('everyone: { quota: 5000 }')] });
    const client = await lab.connect();
    const packet = ipv4Packet({ source: client.address, destination: HOST, payload: new Uint8Array(980) });
    for (let i = 0; i < 10; i += 1) client.tun.hostSends(packet);
    await lab.clock.advance(10_000);
    expect(arrived(lab.tun)).toHaveLength(5);
    expect(lab.gateway.sessions()).toBe(0);
    expect(line(lab, 'session.closed')).toMatchObject({ detail: expect.stringContaining('quota') });
    expect(lab.telemetry.events.filter(({ name }) => name === 'session.quota-reached')).toHaveLength(1);
  });
});

describe('a quota of a day', () => {
  it('ends the session, and lets no other one in on this day', async () => {
    const usageFolder = mkdtempSync(join(tmpdir(), 'usage-'));
    const options = { ...defaults(policyProfilePlugin), file: file('everyone: { quotaPerDay: 5000 }'), usageFolder };
    const lab = await GatewayLab.start({ plugins: [withOptions(policyProfilePlugin, options)] });
    const client = await lab.dial();
    // The files are real, and so is the time that they take.
    await eventually(async () => {
      await lab.clock.advance(100);
      expect(client.peer.network).toBeDefined();
    });
    const source = client.peer.network?.address ?? HOST;
    const packet = ipv4Packet({ source, destination: HOST, payload: new Uint8Array(980) });
    for (let i = 0; i < 10; i += 1) client.tun.hostSends(packet);
    await lab.clock.advance(10_000);
    expect(lab.gateway.sessions()).toBe(0);
    await eventually(() => expect(readFileSync(join(usageFolder, 'usage-0.json'), 'utf8')).toContain('"day":5000'));
    await lab.dial();
    await eventually(async () => {
      await lab.clock.advance(100);
      expect(line(lab, 'session.refused')).toMatchObject({ denial: 'quota-used-up' });
    });
  });
});

describe('policy-sessions', () => {
  it('refuses a second session of a user, however it writes its name', async () => {
    const lab = await GatewayLab.start({
      plugins: [withOptions(policySessionsPlugin, defaults(policySessionsPlugin))],
    });
    const first = await lab.connect();
    await lab.dial();
    await lab.clock.advance(10_000);
    expect(lab.gateway.sessions()).toBe(1);
    expect(line(lab, 'session.refused')).toMatchObject({ policy: 'policy-sessions', denial: 'too-many-sessions' });
    expect(first.peer.network).toBeDefined();
  });

  it('or replaces the first one', async () => {
    const options = { ...defaults(policySessionsPlugin), onLimit: 'replace' as const };
    const lab = await GatewayLab.start({ plugins: [withOptions(policySessionsPlugin, options)] });
    await lab.connect();
    const second = await lab.connect();
    await lab.clock.advance(10_000);
    expect(lab.gateway.sessions()).toBe(1);
    expect(second.peer.network).toBeDefined();
    expect(line(lab, 'session.closed')).toMatchObject({ detail: expect.stringContaining('newer log-in') });
  });

  it('replaces one whose client is gone without a word', async () => {
    const options = { ...defaults(policySessionsPlugin), onLimit: 'replace' as const };
    const lab = await GatewayLab.start({ plugins: [withOptions(policySessionsPlugin, options)] });
    const first = await lab.connect();
    first.pipe.cut();
    vi.spyOn(first.gre, 'write').mockImplementation(({ count }) => count);
    const second = await lab.dial();
    // Two Terminate-Requests, three seconds each, are less than what a policy may take.
    await lab.clock.advance(10_000);
    expect(second.peer.network).toBeDefined();
    expect(lab.gateway.sessions()).toBe(1);
  });

  it.each(['refuse', 'replace'] as const)('leaves one of two that log in at once (%s)', async (onLimit) => {
    const options = { ...defaults(policySessionsPlugin), onLimit };
    const lab = await GatewayLab.start({ plugins: [withOptions(policySessionsPlugin, options)] });
    await Promise.all([lab.dial(), lab.dial()]);
    await lab.clock.advance(10_000);
    expect(lab.gateway.sessions()).toBe(1);
  });
});

describe('policy-lockout', () => {
  it('answers in place of the back-end after too many guesses, and lets the user in again later', async () => {
    const options = { ...defaults(policyLockoutPlugin), userFailures: 2, lockSeconds: 60 };
    const lab = await GatewayLab.start({ plugins: [withOptions(policyLockoutPlugin, options)] });
    for (let guess = 0; guess < 2; guess += 1) {
      await lab.dial({ password: 'guess' });
      await lab.clock.advance(10_000);
    }
    expect(line(lab, 'auth.locked-out')).toMatchObject({ what: 'user', user: 'alice', seconds: 60 });
    await lab.dial();
    await lab.clock.advance(10_000);
    expect(lab.gateway.sessions()).toBe(0);
    expect(line(lab, 'auth.failed')).toMatchObject({ denial: 'locked' });
    await lab.clock.advance(60_000);
    await lab.connect();
  });
});

describe('policy-access', () => {
  const access = (text: string) => withOptions(policyAccessPlugin, { file: file(text) });

  it('refuses a method that the user may not log in with', async () => {
    const lab = await GatewayLab.start({ plugins: [access('everyone: { methods: [eap] }')] });
    await lab.dial();
    await lab.clock.advance(10_000);
    expect(line(lab, 'session.refused')).toMatchObject({ policy: 'policy-access', denial: 'method-not-allowed' });
  });

  it('ends a session when its window of time closes', async () => {
    // The lab begins on Tuesday, 14 November 2023, at 22:13:21 UTC.
    const lab = await GatewayLab.start({ plugins: [access('everyone: { times: ["Tue 22:00-22:15"] }')] });
    await lab.connect();
    await lab.clock.advance(97_000);
    expect(lab.gateway.sessions()).toBe(1);
    await lab.clock.advance(10_000);
    expect(lab.gateway.sessions()).toBe(0);
    expect(line(lab, 'session.closed')).toMatchObject({ reason: 'session-timeout' });
  });

  it('does so whatever the policies behind it give the user', async () => {
    const plugins = [
      access('everyone: { times: ["Tue 22:00-22:15"] }'),
      profiles('everyone: { session: 8h }\nusers: { alice: { session: 0 } }'),
    ];
    const lab = await GatewayLab.start({ plugins });
    await lab.connect();
    await lab.clock.advance(107_000);
    expect(lab.gateway.sessions()).toBe(0);
    expect(line(lab, 'session.closed')).toMatchObject({ reason: 'session-timeout' });
  });
});
