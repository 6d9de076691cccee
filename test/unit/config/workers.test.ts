import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../config/load.ts';
import { ConfigError } from '../../../config/problems.ts';
import { workerTunName } from '../../../config/workers.ts';

const load = (env: Readonly<Record<string, string>>) => loadConfig({ env });
const problems = (env: Readonly<Record<string, string>>): readonly string[] => {
  try {
    load(env);
    return [];
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    return cause.problems.map(({ env: name, message }) => `${name}: ${message}`);
  }
};

describe('PPTP_WORKERS', () => {
  test('devices are numbered', () => {
    expect(['pptp%d', 'vpn', 'a%db'].map((name) => workerTunName(name, 12))).toEqual(['pptp12', 'vpn12', 'a12b']);
  });

  test('what can be divided is taken', () => {
    expect(problems({ PPTP_WORKERS: '16' })).toEqual([]);
    expect(problems({ PPTP_WORKERS: '4', PPTP_POOL: '10.99.0.0/28', PPTP_IPV6_POOL: 'fd00:1::/61' })).toEqual([]);
    expect(problems({ PPTP_WORKERS: '1', PPTP_POOL: '10.99.0.0/30', PPTP_GRE_DRIVER: 'raw-socket' })).toEqual([]);
  });

  test.each([
    [
      { PPTP_POOL: '10.99.0.0/28' },
      'PPTP_POOL: 10.99.0.0/28 is too small to be divided: with 5 workers (PPTP_WORKERS) it must be /27 or larger.',
    ],
    [
      { PPTP_IPV6_POOL: 'fd00:1::/61' },
      'PPTP_IPV6_POOL: fd00:1::/61 is too small to be divided: with 5 workers (PPTP_WORKERS) it must be /60 or larger.',
    ],
    [
      { PPTP_MAX_CALLS: '4' },
      'PPTP_MAX_CALLS: 4 calls cannot be divided: with 5 workers (PPTP_WORKERS) it must be 5 or more.',
    ],
    [
      { PPTP_GRE_DRIVER: 'raw-socket' },
      'PPTP_GRE_DRIVER: must be auto or batch with 5 workers (PPTP_WORKERS): raw-socket cannot give each worker its own packets.',
    ],
    [
      { PPTP_TUN_NAME: 'fifteen-letters' },
      'PPTP_TUN_NAME: with 5 workers (PPTP_WORKERS) a device would be called fifteen-letters0: 15 characters are the most.',
    ],
    [
      { PPTP_DIAL_SERVER: 'there', PPTP_DIAL_USER: 'u', PPTP_DIAL_PASSWORD: 'p', PPTP_DIAL_TUN: 'pptp3' },
      'PPTP_DIAL_TUN: must not be pptp3: with 5 workers (PPTP_WORKERS) that is the device of one of them.',
    ],
    [
      { PPTP_STATE_DIR: `/${'x'.repeat(89)}` },
      `PPTP_STATE_DIR: with 5 workers (PPTP_WORKERS) there would be a socket /${'x'.repeat(89)}/worker-4/admin.sock: its path may have 107 octets at most.`,
    ],
  ])('%o is refused to five workers', (env, problem) => {
    expect(problems({ PPTP_WORKERS: '5', ...env })).toEqual([problem]);
    expect(problems({ PPTP_WORKERS: '1', ...env })).toEqual([]);
  });

  test('networks besides the pool have one way', () => {
    const env = { PPTP_ROUTES: '192.168.7.0/24' };
    expect(load({ ...env, PPTP_WORKERS: '2' }).warnings.join()).toContain(
      'network.routes (PPTP_ROUTES): go to the first',
    );
    expect(load(env).warnings).toEqual([]);
  });
});
