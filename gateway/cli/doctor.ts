import type { Command } from 'commander';
import type { LoadedConfig } from '../../config/load.ts';
import { GatewayError } from '../../core/errors.ts';
import type { Peer } from '../doctor/examine.ts';
import { type Finding, hasFailed, type Severity } from '../doctor/finding.ts';
import type { CliTerminal } from './terminal.ts';

export interface DoctorServices {
  readonly terminal: Pick<CliTerminal, 'out'>;
  /** Adds the options of the configuration to the verb. */
  withConfig(command: Command, work: (loaded: LoadedConfig) => Promise<number>): Command;
  examine(loaded: LoadedConfig, peer: Peer | undefined): Promise<readonly Finding[]>;
}

const CONTROL_PORT = 1723;
const LABEL: Readonly<Record<Severity, string>> = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL' };

const count = (findings: readonly Finding[], severity: Severity): number =>
  findings.filter((one) => one.severity === severity).length;

const plural = (number: number, one: string): string => `${number} ${one}${number === 1 ? '' : 's'}`;

/** Lines for people: what is wrong stands out, and what to do is below it. */
export const describeFindings = (findings: readonly Finding[]): readonly string[] => {
  const width = Math.max(0, ...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, severity, message, advice }) => [
    `${LABEL[severity]}  ${check.padEnd(width)}  ${message}`,
    ...(advice === undefined ? [] : [`${' '.repeat(width + 8)}-> ${advice}`]),
  ]);
  const [failed, warned] = [count(findings, 'fail'), count(findings, 'warn')];
  const end =
    failed === 0 && warned === 0
      ? 'Nothing is in the way.'
      : `${plural(failed, 'failure')}, ${plural(warned, 'warning')}.`;
  return [...lines, end];
};

/** "vpn.example.com" or "198.51.100.1:1724". Throws CONFIG_INVALID. */
export const parsePeer = (text: string): Peer => {
  const [, host = '', digits] = /^([^:\s]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const port = digits === undefined ? CONTROL_PORT : Number(digits);
  if (host === '' || port < 1 || port > 65_535) {
    throw new GatewayError(
      'CONFIG_INVALID',
      `--peer ${text}: write a name or an IPv4 address, or one with a port (host:1723).`,
    );
  }
  return { host, port };
};

/** Adds the verb `doctor`: exit code 0 when nothing fails, 1 when something does. */
export const addDoctorVerb = (program: Command, { terminal, withConfig, examine }: DoctorServices): void => {
  const command = program
    .command('doctor')
    .description(
      'Looks for what would keep clients from connecting: rights, devices, firewall, GRE, pool, users. Changes nothing.',
    )
    .option('--json', 'print the findings as JSON')
    .option('--peer <host>', 'also call this PPTP server, up to the first GRE packets, without a user');
  withConfig(command, async (loaded) => {
    const flags = command.opts<{ readonly json?: true; readonly peer?: string }>();
    const findings = await examine(loaded, flags.peer === undefined ? undefined : parsePeer(flags.peer));
    const lines = flags.json === true ? [JSON.stringify({ findings }, null, 2)] : describeFindings(findings);
    for (const line of lines) terminal.out(line);
    return hasFailed(findings) ? 1 : 0;
  });
};
