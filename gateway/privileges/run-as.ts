import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import type { GatewayConfig } from '../../config/types.ts';
import { GatewayError } from '../../core/errors.ts';
import type { Log } from '../../core/ports/log.ts';
import type { NativePrivileges } from '../../native/privileges.d.ts';
import { type Account, accountOf } from './account.ts';
import { loadPrivileges, neededFor } from './capabilities.ts';
import { giveFile, giveFolder } from './give-folder.ts';

/** This process, as far as privileges go. */
export interface OwnProcess {
  uid(): number | undefined;
  account(text: string): Account;
  load(): NativePrivileges;
}

const OWN: OwnProcess = { uid: () => process.geteuid?.(), account: (text) => accountOf(text), load: loadPrivileges };

/**
 * Becomes the user of PPTP_RUN_AS for good, once everything is open that only root may open; what is in the state folder is
 * that user's from then on. Does nothing where it is not set, or was done before: a worker that is started again is the
 * user's already. Throws GatewayError RUN_AS.
 */
export const runAs = (config: GatewayConfig, log: Log, own: OwnProcess = OWN): void => {
  const { runAs: text } = config.edge;
  if (text === undefined) return;
  const account = own.account(text);
  const uid = own.uid();
  if (uid === account.uid) return;
  if (uid !== 0) {
    throw new GatewayError(
      'RUN_AS',
      `PPTP_RUN_AS is ${text}, but only root can become somebody else: start the gateway as root, or leave PPTP_RUN_AS out and give it CAP_NET_ADMIN and CAP_NET_RAW.`,
    );
  }
  const { stateDir, admin, users, listen, metrics } = config;
  giveFolder(account, stateDir);
  if (admin.socket !== undefined) giveFile(account, admin.socket);
  const capabilities = neededFor([listen.port, metrics.port, admin.port]);
  try {
    own.load().becomeUser(account.uid, account.gid, Int32Array.from(account.groups), Int32Array.from(capabilities));
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError('RUN_AS', `The gateway cannot become ${text} (${why}): set PPTP_RUN_AS to none.`, { cause });
  }
  if (users.source === 'file')
    must(users.file, constants.R_OK, `PPTP_RUN_AS is ${text}, who cannot read the user file`);
  if (admin.socket !== undefined) {
    const what = `PPTP_RUN_AS is ${text}, who cannot remove the admin socket (PPTP_ADMIN_SOCKET) again from`;
    must(dirname(admin.socket), constants.W_OK | constants.X_OK, what);
  }
  if (config.workers > 1) warnOfTun(text, log);
  log.info('gateway.run-as', `the gateway runs as ${text} from now on`, { uid: account.uid, gid: account.gid });
};

/** A worker that is started again opens it as the user. */
const warnOfTun = (text: string, log: Log): void => {
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    const what = `${text} may not open /dev/net/tun, so a worker that ends cannot be started again`;
    log.warn('gateway.run-as-tun', `${what}: run chmod 666 /dev/net/tun, which is what udev makes it.`);
  }
};

const must = (path: string, mode: number, what: string): void => {
  try {
    accessSync(path, mode);
  } catch (cause) {
    throw new GatewayError('RUN_AS', `${what} ${path}: give the file, and the folders on the way, to that user.`, {
      cause,
    });
  }
};
