import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../../core/errors.ts';
import { type Log, silentLog } from '../../core/ports/log.ts';
import { HostJournal } from './host-journal.ts';
import { STATE_FILE } from './host-network.ts';
import type { HostSystem } from './host-system.ts';

/**
 * Takes back what gateways that were killed left on the host, whose state folders nobody uses any more. A folder without
 * a record, or of a gateway that runs, is left alone.
 */
export const recoverHostNetworks = async (
  folders: readonly string[],
  dependencies: { readonly log?: Log; readonly host?: HostSystem } = {},
): Promise<void> => {
  const log = dependencies.log ?? silentLog;
  for (const folder of folders) {
    const record = join(folder, STATE_FILE);
    // Most starts find none, and need not wait for their turn.
    if (!existsSync(record)) continue;
    const journal = new HostJournal(dependencies, record);
    try {
      await journal.host.exclusively(() => journal.recover());
    } catch (cause) {
      if (!(cause instanceof GatewayError)) throw cause;
      log.warn('host-network.undo-failed', cause.message, { folder });
    }
  }
};
