import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../../config/load.ts';
import { addDoctorVerb, describeFindings, parsePeer } from '../../../../gateway/cli/doctor.ts';
import type { Peer } from '../../../../gateway/doctor/examine.ts';
import type { Finding } from '../../../../gateway/doctor/finding.ts';

const fine: Finding = { check: 'tun', severity: 'ok', message: 'It opens.' };
const odd: Finding = { check: 'firewall', severity: 'warn', message: 'It may drop.', advice: 'Look.' };
const bad: Finding = { check: 'gre', severity: 'fail', message: 'It is filtered.', advice: 'Let it pass.' };

const run = async (findings: readonly Finding[], ...flags: readonly string[]) => {
  const out: string[] = [];
  const peers: (Peer | undefined)[] = [];
  const codes: number[] = [];
  const program = new Command().exitOverride();
  addDoctorVerb(program, {
    terminal: { out: (line) => out.push(line) },
    withConfig: (command, work) =>
      command.action(async () => void codes.push(await work(loadConfig({ env: {}, set: [], named: {} })))),
    examine: async (_, peer) => {
      peers.push(peer);
      return findings;
    },
  });
  await program.parseAsync(['doctor', ...flags], { from: 'user' });
  return { text: out.join('\n'), peer: peers[0], code: codes[0] };
};

describe('doctor', () => {
  test('what is wrong stands out, and what to do is below it', () => {
    expect(describeFindings([fine, odd, bad])).toEqual([
      'ok    tun       It opens.',
      'WARN  firewall  It may drop.',
      '                -> Look.',
      'FAIL  gre       It is filtered.',
      '                -> Let it pass.',
      '1 failure, 1 warning.',
    ]);
    expect(describeFindings([fine]).at(-1)).toBe('Nothing is in the way.');
  });

  test.each([
    [[fine], 0],
    [[fine, odd], 0],
    [[odd, bad], 1],
  ])('%j ends with the right status', async (findings, code) => {
    expect((await run(findings)).code).toBe(code);
  });

  test('as JSON', async () => {
    expect(JSON.parse((await run([fine, bad], '--json')).text)).toEqual({ findings: [fine, bad] });
  });

  test('with a peer', async () => {
    expect((await run([])).peer).toBeUndefined();
    expect((await run([], '--peer', 'vpn.example.com')).peer).toEqual({ host: 'vpn.example.com', port: 1723 });
    expect(parsePeer('198.51.100.1:1724')).toEqual({ host: '198.51.100.1', port: 1724 });
  });

  test.each(['', ':1', 'a:0', 'a:65536', 'a:b', 'a b', '2001:db8::1'])('%j is no peer', (text) => {
    expect(() => parsePeer(text)).toThrow(/^--peer/);
  });
});
