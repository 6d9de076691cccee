import { accessSync, constants } from 'node:fs';
import { run } from './shell.ts';
import { SCRIPTS } from './topology.ts';

export type LabAvailability = { readonly available: true } | { readonly available: false; readonly reason: string };

/** Set to 1 where a missing lab must fail the run instead of skipping its tests. */
export const labRequired = process.env['PPTP_REQUIRE_LAB'] === '1';

let known: Promise<LabAvailability> | undefined;

/**
 * Whether real clients can be run here. Builds the guest root if it is missing (a minute, once a machine), so that "no
 * mirror" and "no disk" are reasons to skip like any other.
 */
export function labAvailability(): Promise<LabAvailability> {
  known ??= probe();
  return known;
}

async function probe(): Promise<LabAvailability> {
  const no = (reason: string): LabAvailability => ({ available: false, reason });
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return no(`the guests need Linux on x64; this is ${process.platform} on ${process.arch}`);
  }
  if (process.getuid?.() !== 0) return no('the lab makes network namespaces and needs root');
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    return no('there is no usable /dev/net/tun');
  }
  const root = await run(`${SCRIPTS}root.sh`, ['ensure']).catch(() => undefined);
  if (root === undefined) return no('there is no bash to run the lab with');
  if (root.status !== 0) return no(`the guest root cannot be built: ${lastWords(root.errors)}`);
  const namespace = await run('unshare', ['--net', '--mount', '--pid', '--fork', 'true']);
  if (namespace.status !== 0) return no(`namespaces cannot be made: ${lastWords(namespace.errors)}`);
  return { available: true };
}

/** The end of what a failed command said, on one line. */
function lastWords(text: string): string {
  return text.trim().split('\n').slice(-3).join(' | ') || 'it did not say why';
}
