import { closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { isInstalled } from './command.mjs';

/** CapEff of this process as a number; undefined where there is no /proc. */
const effectiveCapabilities = () => {
  try {
    const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
    return line === null ? undefined : BigInt(`0x${line[1]}`);
  } catch {
    return undefined;
  }
};

/** Opening the device without TUNSETIFF makes nothing. */
const tunState = () => {
  if (!existsSync('/dev/net/tun')) return 'missing';
  try {
    closeSync(openSync('/dev/net/tun', constants.O_RDWR));
    return 'usable';
  } catch {
    return 'refused';
  }
};

/**
 * What the checks need to know about this machine.
 *
 * @returns {{ platform: string, nodeVersion: string, isRoot: boolean, capabilities: bigint | undefined,
 *   tun: 'usable' | 'missing' | 'refused', hasApt: boolean, isInstalled: (program: string) => boolean }}
 */
export const gatherFacts = () => ({
  platform: process.platform,
  nodeVersion: process.versions.node,
  isRoot: process.getuid?.() === 0,
  capabilities: effectiveCapabilities(),
  tun: tunState(),
  hasApt: isInstalled('apt-get'),
  isInstalled,
});
