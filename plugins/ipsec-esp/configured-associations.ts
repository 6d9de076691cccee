import { GatewayError } from '../../core/errors.ts';
import type { Lifecycle } from '../../core/ports/lifecycle.ts';
import type { Log } from '../../core/ports/log.ts';
import type { AssociationTable } from './association-table.ts';
import { readAssociations } from './sa-file.ts';

/** Puts the configured associations into the table before anybody can call, and ends the timers of all. */
export class ConfiguredAssociations implements Lifecycle {
  readonly name = 'ipsec-esp';
  private readonly table: AssociationTable;
  private readonly log: Log;
  private readonly file: string | undefined;

  constructor(table: AssociationTable, log: Log, file: string | undefined) {
    this.table = table;
    this.log = log;
    this.file = file;
  }

  async start(): Promise<void> {
    const { file } = this;
    if (file === undefined) return;
    const associations = await readAssociations(file);
    for (const association of associations) {
      const refusal = this.table.add(association);
      if (refusal === undefined) continue;
      const { name, direction } = association;
      throw new GatewayError(
        'CONFIG_INVALID',
        `${file}: association ${name} (${direction}) cannot be used: ${refusal}`,
      );
    }
    this.log.info('ipsec.associations', `ipsec-esp has ${associations.length} security associations from ${file}.`, {
      associations: associations.length,
    });
    if (!associations.some(({ algorithm }) => algorithm.name === 'aes-gcm-16')) return;
    const why = 'RFC 4106 wants AES-GCM keys from a key manager. IVs of these go on across restarts by the clock';
    this.log.warn('ipsec.fixed-keys', `${why}: change the keys if it was ever set back.`);
  }

  stop(): Promise<void> {
    this.table.close();
    return Promise.resolve();
  }
}
