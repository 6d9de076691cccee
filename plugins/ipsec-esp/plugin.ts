import type { ServiceIdentifier } from 'inversify';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { absolutePath } from '../../core/ports/setting-kinds.ts';
import { TOKENS } from '../../core/tokens.ts';
import { AssociationTable } from './association-table.ts';
import { ConfiguredAssociations } from './configured-associations.ts';
import { CountedIvs } from './counted-ivs.ts';
import { IpsecEspHook } from './hook.ts';
import { randomIvs } from './transforms.ts';

export interface IpsecEspOptions {
  readonly file: string | undefined;
}

const TABLE = Symbol('AssociationTable') as ServiceIdentifier<AssociationTable>;

/** Binds the hook that does ESP for hosts behind the gateway, and the port for key managers. */
export const ipsecEspPlugin = definePlugin<IpsecEspOptions>({
  name: 'ipsec-esp',
  api: PLUGIN_API,
  settings: {
    file: {
      kind: absolutePath,
      doc: 'JSON file of security associations (docs/ipsec.md). Without it they all come from a key manager.',
      default: undefined,
    },
  },
  register({ bind }, { file }) {
    bind(TABLE).toResolvedValue(
      (clock, log, telemetry, fleet, wallClock) => {
        const ivs = { counted: new CountedIvs(fleet.index, wallClock.now()), random: randomIvs() };
        return new AssociationTable({ clock, log, telemetry, ivs });
      },
      [TOKENS.Clock, TOKENS.Log, TOKENS.Telemetry, TOKENS.Fleet, TOKENS.WallClock],
    );
    bind(TOKENS.SecurityAssociations).toResolvedValue((table) => table, [TABLE]);
    bind(TOKENS.IpsecHook).toResolvedValue(
      (table, telemetry, mtu, { gatewayAddress }, answers) =>
        new IpsecEspHook({ table, telemetry, mtu, gatewayAddress, answers }),
      [TABLE, TOKENS.Telemetry, TOKENS.TunnelMtu, TOKENS.AddressPool, TOKENS.IntranetPackets],
    );
    bind(TOKENS.Lifecycle).toResolvedValue(
      (table, log, wallClock) => new ConfiguredAssociations(table, log, wallClock, file),
      [TABLE, TOKENS.Log, TOKENS.WallClock],
    );
  },
});
