import { GatewayError } from '../../core/errors.ts';
import type { HandOver } from '../../core/ports/handover.ts';
import type { Lifecycle } from '../../core/ports/lifecycle.ts';
import type { Log } from '../../core/ports/log.ts';
import type { WallClock } from '../../core/ports/wall-clock.ts';
import type { AssociationTable } from './association-table.ts';
import { readAssociations } from './sa-file.ts';
import { readTableState } from './table-state.ts';

/** Puts the configured associations into the table before anybody can call, and ends the timers of all. */
export class ConfiguredAssociations implements Lifecycle {
  readonly name = 'ipsec-esp';
  /** What the process before has is gone on with, also where the file is another one by now: that is read at a restart. */
  readonly handOver: HandOver = {
    startBeside: async () => {
      if (this.file !== undefined) await readAssociations(this.file);
    },
    release: async () => {
      this.released = true;
      return this.table.snapshot();
    },
    takeOver: async (given) => {
      const state = readTableState(given);
      if (state === undefined) throw new Error('what it was given cannot be read');
      this.table.restore(state);
    },
    takeBack: async () => {
      if (this.released) this.table.passOver(this.wallClock.now());
      this.released = false;
    },
  };
  private readonly table: AssociationTable;
  private readonly log: Log;
  private readonly wallClock: WallClock;
  private readonly file: string | undefined;
  private released = false;

  constructor(table: AssociationTable, log: Log, wallClock: WallClock, file: string | undefined) {
    this.table = table;
    this.log = log;
    this.wallClock = wallClock;
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
