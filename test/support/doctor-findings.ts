import { loadConfig } from '../../config/load.ts';
import type { GatewayConfig } from '../../config/types.ts';
import type { Finding } from '../../gateway/doctor/finding.ts';

export const configOf = (env: Readonly<Record<string, string>> = {}): GatewayConfig =>
  loadConfig({ env, set: [], named: {} }).config;
export const usual = configOf();

/** "fail: The sentence." */
export const said = (findings: readonly Finding[]): string[] =>
  findings.map(({ severity, message }) => `${severity}: ${message}`);
export const advice = (findings: readonly Finding[]): string => findings.map((one) => one.advice ?? '').join('\n');
