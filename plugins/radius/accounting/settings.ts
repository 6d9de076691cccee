import * as kinds from '../../../core/ports/setting-kinds.ts';
import type { Settings } from '../../../core/ports/settings.ts';

export interface AccountingSettings {
  readonly accounting: boolean;
  readonly accountingOnOff: boolean;
  readonly spoolDir: string | undefined;
  readonly spoolMegabytes: number;
}

export const accountingSettings: Settings<AccountingSettings> = {
  accounting: { kind: kinds.toggle, default: true, doc: 'Send accounting records of all sessions to the servers.' },
  accountingOnOff: {
    kind: kinds.toggle,
    default: true,
    doc: 'Tell the accounting servers when the gateway starts and stops (Accounting-On, Accounting-Off).',
  },
  spoolDir: {
    kind: kinds.absolutePath,
    default: undefined,
    doc: 'Folder for accounting records that no server has confirmed yet, and for what is known of open sessions; for one gateway alone. Not set: `radius` in `PPTP_STATE_DIR`.',
  },
  spoolMegabytes: {
    kind: kinds.integer(1, 1024, 'megabytes'),
    default: 64,
    doc: 'Room for accounting records that wait, in memory and on the disk, for each worker; when it is used up interim records are lost first. The file may take twice as much.',
  },
};
