import type { NativePrivileges } from '../../native/privileges.d.ts';
import { loadAddonWith } from '../../plugins/native-addon/load-addon.ts';

/** Numbers of capabilities(7). */
export const CAPABILITY = { netBindService: 10, netAdmin: 12, netRaw: 13 } as const;

/** TUN devices, addresses, routes and rules; the GRE socket. */
export const NEEDED: readonly number[] = [CAPABILITY.netAdmin, CAPABILITY.netRaw];

const LAST_PRIVILEGED_PORT = 1023;

/** What a gateway that opens these ports needs; 0 is a port that is not opened. */
export const neededFor = (ports: readonly number[]): readonly number[] =>
  ports.some((port) => port > 0 && port <= LAST_PRIVILEGED_PORT) ? [...NEEDED, CAPABILITY.netBindService] : NEEDED;

export const loadPrivileges = (): NativePrivileges =>
  loadAddonWith<NativePrivileges>(['raiseAmbientCapabilities', 'becomeUser']);

/**
 * Lets `ip` and `nft` have what this process has: a gateway of an ordinary user, whose capabilities are of the file of Node
 * or of its service manager, would start them with nothing otherwise. Root's programs are root's. Where it cannot be done
 * the error of the first program says what is lacking.
 */
export const giveToPrograms = (uid: number | undefined = process.geteuid?.(), load = loadPrivileges): void => {
  if (uid === 0 || uid === undefined) return;
  try {
    load().raiseAmbientCapabilities(Int32Array.from([...NEEDED, CAPABILITY.netBindService]));
  } catch {
    // No addon: the TUN device says so. EPERM: the bounds of this process do not allow it.
  }
};
