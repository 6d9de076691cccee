import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ClockFacts, checkClock } from '../../../../../gateway/doctor/checks/clock.ts';
import { checkDevices } from '../../../../../gateway/doctor/checks/devices.ts';
import { checkRights } from '../../../../../gateway/doctor/checks/rights.ts';
import { checkRunning } from '../../../../../gateway/doctor/checks/running.ts';
import { checkStateFolder } from '../../../../../gateway/doctor/checks/state-folder.ts';
import { lookAtStateFolder } from '../../../../../gateway/doctor/host/look-local.ts';
import { advice, configOf, said, usual } from '../../../../support/doctor-findings.ts';

describe('rights', () => {
  const netAdmin = 1n << 12n;
  const netRaw = 1n << 13n;
  const check = (isRoot: boolean, capabilities: bigint | undefined, env = {}) =>
    checkRights({ isRoot, capabilities }, configOf(env));

  test('both capabilities', () => {
    expect(said(check(false, netAdmin | netRaw))).toEqual(['ok: CAP_NET_ADMIN, CAP_NET_RAW: all there.']);
  });
  test('root in a container without one', () => {
    const findings = check(true, netAdmin);
    expect(said(findings)).toEqual(['fail: CAP_NET_RAW is missing.']);
    expect(advice(findings)).toBe('Start the container with --cap-add NET_RAW.');
  });
  test('a user with none, where /proc does not say', () => {
    expect(said(check(false, undefined))).toEqual(['fail: CAP_NET_ADMIN and CAP_NET_RAW are missing.']);
    expect(said(check(true, undefined, { PPTP_RUN_AS: 'pptp' }))).toEqual([
      'ok: CAP_NET_ADMIN, CAP_NET_RAW: all there.',
    ]);
  });
  test('root that stays root is told how not to', () => {
    expect(said(check(true, netAdmin | netRaw))[0]).toMatch(/all there\. PPTP_RUN_AS=user/);
  });
  test('a port below 1024', () => {
    expect(said(check(false, netAdmin | netRaw, { PPTP_PORT: '723' }))).toEqual([
      'fail: CAP_NET_BIND_SERVICE is missing.',
    ]);
  });
});

describe('tun and addon', () => {
  test('all there', () => {
    expect(said(checkDevices({ tunError: undefined, addonError: undefined }))).toEqual([
      'ok: /dev/net/tun can be opened.',
      'ok: The TUN addon loads.',
    ]);
  });
  test('nothing there', () => {
    const findings = checkDevices({ tunError: 'missing', addonError: 'run "npm run build:native".' });
    expect(said(findings)).toEqual(['fail: There is no /dev/net/tun.', 'fail: The TUN addon does not load.']);
    expect(advice(findings)).toContain('--device /dev/net/tun');
    expect(advice(findings)).toContain('build:native');
  });
  test('not for this user', () => {
    expect(said(checkDevices({ tunError: 'refused', addonError: undefined }))[0]).toBe(
      'fail: /dev/net/tun cannot be opened by this user.',
    );
  });
});

describe('clock', () => {
  const facts: ClockFacts = {
    now: Date.UTC(2026, 10, 22),
    built: Date.UTC(2026, 10, 1),
    synchronised: true,
    keeper: undefined,
    usesCertificates: false,
  };
  const first = (over: Partial<ClockFacts>) => said(checkClock({ ...facts, ...over }))[0] ?? '';

  test('synchronised, kept, or not to be seen', () => {
    expect(first({})).toBe('ok: The clock is synchronised; it says 2026-11-22T00:00:00.000Z.');
    expect(first({ synchronised: undefined, keeper: 'chronyd' })).toMatch(/^ok: chronyd keeps the clock/);
    expect(first({ synchronised: undefined })).toMatch(/^ok: .* cannot be seen from here\.$/);
  });
  test('not synchronised', () => {
    expect(first({ synchronised: false, keeper: 'chronyd' })).toMatch(/^warn: .* is not synchronised/);
    expect(first({ synchronised: undefined, usesCertificates: true })).toMatch(/^warn: .* certificates/);
  });
  test('before its own making', () => {
    expect(first({ now: 0 })).toMatch(/^warn: The clock is wrong: it says 1970/);
    expect(first({ now: 0, usesCertificates: true })).toMatch(/^fail: The clock is wrong/);
  });
});

describe('running and state-folder', () => {
  test('what the admin socket says', () => {
    expect(said(checkRunning({ kind: 'off' }))[0]).toMatch(/^ok: The admin socket is off/);
    expect(said(checkRunning({ kind: 'none' }))[0]).toBe('ok: No gateway runs with this configuration.');
    expect(said(checkRunning({ kind: 'answers', tunnels: 1 }))[0]).toBe(
      'ok: A gateway runs and answers; it has 1 tunnel.',
    );
    expect(advice(checkRunning({ kind: 'silent', message: 'no gateway answers.' }))).toBe('no gateway answers.');
  });
  test.each([
    ['writable', false, 'ok'],
    ['missing', true, 'ok'],
    ['missing', false, 'fail'],
    ['refused', false, 'fail'],
  ] as const)('a folder that is %s', (state, canMake, severity) => {
    expect(checkStateFolder({ state, canMake }, usual)[0]?.severity).toBe(severity);
  });
  test('a folder in which nobody can make a file, root neither', async () => {
    const inProc = { ...usual, stateDir: '/proc/sys' };
    expect(await lookAtStateFolder(inProc)).toEqual({ state: 'refused', canMake: false });
    expect(await lookAtStateFolder({ ...usual, stateDir: '/proc/none' })).toEqual({ state: 'missing', canMake: false });
  });
  test('trying it leaves nothing behind', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
    expect(await lookAtStateFolder({ ...usual, stateDir: folder })).toEqual({ state: 'writable', canMake: false });
    const below = { ...usual, stateDir: join(folder, 'a', 'b') };
    expect(await lookAtStateFolder(below)).toEqual({ state: 'missing', canMake: true });
    expect(readdirSync(folder)).toEqual([]);
    rmdirSync(folder);
  });
});
